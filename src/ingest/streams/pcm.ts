/** Samples as the body of a `POST …/streams/pcm`, chunked, for as long as the call lasts. What they are is in the query or the media type. */
import { closing } from './farewell.ts';
import { pcmFormat, RawPcm } from './raw-pcm.ts';
import type { StreamDialect, StreamFarewell, StreamKind, StreamRequest, StreamSink } from './stream-dialect.ts';

class PcmBody implements StreamDialect {
  readonly #request: StreamRequest;
  readonly #sink: StreamSink;
  #pcm: RawPcm | undefined;
  #hasEnded = false;

  constructor(request: StreamRequest, sink: StreamSink) {
    this.#request = request;
    this.#sink = sink;
  }

  bytes(chunk: Uint8Array): void {
    if (!this.#hasEnded) this.#begun().push(chunk);
  }

  closed(): void {
    if (this.#hasEnded) return;
    this.#begun().end();
    this.#hasEnded = true;
    this.#sink.end('closed');
  }

  farewell(error?: { readonly code: string; readonly message: string }): StreamFarewell {
    return closing(error);
  }

  #begun(): RawPcm {
    if (this.#pcm === undefined) {
      const { query, headers } = this.#request;
      const format = pcmFormat(query, headers['content-type']);
      this.#pcm = new RawPcm(this.#sink, format);
      this.#sink.begin({ format, parameters: {} });
    }
    return this.#pcm;
  }
}

export const pcmKind: StreamKind = {
  name: 'pcm',
  transport: 'http',
  open: (request, sink) => new PcmBody(request, sink),
  connect:
    "`curl -T - -X POST -H 'X-Auth-Token: KEY' 'http://HOST:8000/v2/accounts/A/streams/pcm?call_id=c1&rate=16000&channels=2&encoding=s16le'`",
};
