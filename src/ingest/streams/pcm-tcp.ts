/** Samples over TCP behind one line of words, written as a query: `token=KEY&call_id=c1&leg=a&rate=8000&encoding=s16le`. */
import { HeadedPcm } from './headed-pcm.ts';
import type { StreamKind } from './stream-dialect.ts';

const LINE_FEED = 0x0a;

export const pcmTcpKind: StreamKind = {
  name: 'pcm-tcp',
  transport: 'tcp',
  open: (_, sink) =>
    new HeadedPcm(
      {
        name: 'pcm-tcp',
        terminator: LINE_FEED,
        wordsOf: (head) => Object.fromEntries(new URLSearchParams(head.replace(/\r$/, ''))),
      },
      sink,
    ),
  connect:
    "`(echo 'token=KEY&call_id=c1&leg=a&rate=8000&encoding=s16le'; cat audio.raw) | nc HOST PORT`, the port from `RECORD_CALL_PCM_PORT`",
};
