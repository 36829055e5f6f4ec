/**
 * The numbers of an AudioHook session: each side counts its messages and says which of the other's it has seen, and all of them carry the
 * session's id, which the first message tells. Pure.
 */
import { type AudiohookMessage, invalid, NULL_UUID } from './audiohook-message.ts';

export class AudiohookSession {
  /** As the request for the connection named it, where it did. */
  readonly #announced: string | undefined;
  #id: string = NULL_UUID;
  #seq = 0;
  #clientSeq = 0;

  constructor(announced: string | undefined) {
    this.#announced = announced?.toLowerCase();
  }

  get hasBegun(): boolean {
    return this.#id !== NULL_UUID;
  }

  /** @throws AppError STREAM_INVALID for a message that is not this session's next */
  check({ id, seq, serverseq }: AudiohookMessage): void {
    if (!this.hasBegun) {
      if (this.#announced !== undefined && this.#announced !== id.toLowerCase())
        throw invalid('another session than the request named');
      this.#id = id;
    }
    if (id !== this.#id) throw invalid('a message of another session');
    if (seq !== this.#clientSeq + 1) throw invalid('a seq that is not the next');
    if (serverseq > this.#seq) throw invalid('a serverseq that was not sent yet');
    this.#clientSeq = seq;
  }

  /** The server's next. */
  message(type: string, parameters: object): string {
    const numbers = { seq: ++this.#seq, clientseq: this.#clientSeq, id: this.#id };
    return JSON.stringify({ version: '2', type, ...numbers, parameters });
  }
}
