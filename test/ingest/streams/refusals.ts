/** What a kind of stream refuses: said with STREAM_INVALID, and never with a word of what it was given. */
import { expect, test } from 'vitest';
import { AppError } from '../../../src/core/errors.ts';
import type { StreamKind, StreamRequest } from '../../../src/ingest/streams/stream-dialect.ts';
import type { Message } from './dialect-contract.ts';
import { ToldSink } from './told.ts';

export type Refusal = {
  readonly name: string;
  readonly request?: Partial<StreamRequest>;
  /** The last of them is refused. */
  readonly messages: readonly Message[];
};

export const describeRefusals = (kind: StreamKind, refusals: readonly Refusal[]): void => {
  test.each(refusals)(`${kind.name} refuses $name`, ({ messages, request }) => {
    const sink = new ToldSink();
    const dialect = kind.open({ headers: {}, query: {}, ...request }, sink);
    const feed = (message: Message): void => {
      if (typeof message === 'string') dialect.text?.(message);
      else dialect.binary?.(Uint8Array.from(message));
    };
    for (const message of messages.slice(0, -1)) feed(message);
    const told = sink.told.length;
    let thrown: unknown;
    try {
      feed(messages.at(-1)!);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBeInstanceOf(AppError);
    expect((thrown as AppError).code).toBe('STREAM_INVALID');
    expect((thrown as AppError).message.length).toBeLessThan(120);
    expect(sink.told.slice(told).filter(({ kind: each }) => each !== 'warn')).toEqual([]);
  });
};
