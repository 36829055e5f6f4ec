/** Two ports of a link in one thread: what is said waits, cloned and in order, until a test has it delivered. */
import type { Transferable } from 'node:worker_threads';
import type { LinkPort } from '../../../src/app/media/thread-link.ts';

class TestPort implements LinkPort {
  peer!: TestPort;
  /** What was sent here and is not delivered yet. */
  readonly waiting: unknown[] = [];
  readonly #listeners: ((message: unknown) => void)[] = [];

  postMessage(message: unknown, transfer: readonly Transferable[] = []): void {
    this.peer.waiting.push(structuredClone(message, { transfer: [...transfer] }));
  }

  on(_event: 'message', listener: (message: unknown) => void): void {
    this.#listeners.push(listener);
  }

  /** Hands on what has come, as far as that goes. */
  deliver(): void {
    for (const message of this.waiting.splice(0)) for (const listener of this.#listeners) listener(message);
  }
}

export class ThreadPair {
  readonly main = new TestPort();
  readonly media = new TestPort();

  constructor() {
    this.main.peer = this.media;
    this.media.peer = this.main;
  }

  /** Both sides hear what was said, until neither says more. */
  deliver(): void {
    while (this.media.waiting.length + this.main.waiting.length > 0) {
      this.media.deliver();
      this.main.deliver();
    }
  }
}
