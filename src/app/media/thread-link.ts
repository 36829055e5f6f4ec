/**
 * One end of what two threads say to each other over a MessagePort: what is *asked* is answered, by a value or an `AppError` whole; what is
 * *told* is not. Either way it is heard in the order in which it was said, an answer behind everything that was told before it. Knows
 * no word of what is said: each side's words are an interface (`messages.ts`), a method that returns a promise is asked, another told.
 */
import type { Transferable } from 'node:worker_threads';
import { AppError, asAppError } from '../../core/errors.ts';
import { type CarriedError, carried, restored } from './carried-error.ts';

/** What a side understands. */
export type Words<T> = { readonly [K in keyof T]: (...args: never[]) => unknown };

/** Words that are answered. */
export type Asked<T> = { [K in keyof T]: T[K] extends (...args: never[]) => Promise<unknown> ? K : never }[keyof T] &
  string;

/** Words that are not. */
export type Told<T> = Exclude<keyof T, Asked<T>> & string;

type Arguments<F> = F extends (...args: infer A) => unknown ? A : never;
type Answer<F> = F extends (...args: never[]) => Promise<infer A> ? A : never;

/** What is used of a `MessagePort`, a `Worker`, a `parentPort`. */
export type LinkPort = {
  postMessage(message: unknown, transfer?: readonly Transferable[]): void;
  on(event: 'message', listener: (message: unknown) => void): unknown;
};

type Message =
  | { readonly kind: 'ask'; readonly id: number; readonly name: string; readonly args: readonly unknown[] }
  | { readonly kind: 'tell'; readonly name: string; readonly args: readonly unknown[] }
  | { readonly kind: 'answer'; readonly id: number; readonly value: unknown }
  | { readonly kind: 'refuse'; readonly id: number; readonly error: CarriedError };

/** Of any word: who says it is held to the interface. */
type Handler = (...args: unknown[]) => unknown;

type Waiting = { readonly resolve: (value: unknown) => void; readonly reject: (error: AppError) => void };

export class ThreadLink<Theirs extends Words<Theirs>, Ours extends Words<Ours>> {
  readonly #port: LinkPort;
  #ours: Ours | AppError | undefined;
  readonly #onDefect: (error: AppError) => void;
  readonly #waiting = new Map<number, Waiting>();
  #last = 0;
  #gone: AppError | undefined;

  /**
   * @param port what has been said there waits until it is heard
   * @param onDefect told of what a told word's handler threw, and of what can't be cloned
   */
  constructor(port: LinkPort, onDefect: (error: AppError) => void) {
    this.#port = port;
    this.#onDefect = onDefect;
  }

  /**
   * Begins to hear the other side. Once, and before anything is asked of it: answers are heard as well.
   * @param ours what this side understands; an error: nothing, and that is why
   */
  hear(ours: Ours | AppError): void {
    this.#ours = ours;
    this.#port.on('message', (message) => this.#hear(message as Message));
  }

  /** What was asked and is not answered yet. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /** @throws AppError what the other side threw; why nobody answers any more */
  ask<N extends Asked<Theirs>>(name: N, ...args: Arguments<Theirs[N]>): Promise<Answer<Theirs[N]>> {
    return new Promise((resolve, reject) => {
      if (this.#gone !== undefined) return reject(this.#gone);
      const id = ++this.#last;
      this.#waiting.set(id, { resolve: (value) => resolve(value as Answer<Theirs[N]>), reject });
      try {
        this.#port.postMessage({ kind: 'ask', id, name, args } satisfies Message);
      } catch (error) {
        this.#waiting.delete(id);
        reject(asAppError(error));
      }
    });
  }

  /** Returns at once and never throws; nothing is told to a side that is gone. */
  tell<N extends Told<Theirs>>(name: N, ...args: Arguments<Theirs[N]>): void {
    this.hand(name, [], ...args);
  }

  /** The same, and what is in `transfer` is the other side's from now on: here it is empty. */
  hand<N extends Told<Theirs>>(name: N, transfer: readonly Transferable[], ...args: Arguments<Theirs[N]>): void {
    if (this.#gone !== undefined) return;
    try {
      this.#port.postMessage({ kind: 'tell', name, args } satisfies Message, transfer);
    } catch (error) {
      this.#onDefect(asAppError(error));
    }
  }

  /** The other side is gone, or is to be asked no more: whoever waits for an answer is told why. The first reason stands. */
  end(why: AppError): void {
    this.#gone ??= why;
    for (const { reject } of this.#waiting.values()) reject(this.#gone);
    this.#waiting.clear();
  }

  #hear(message: Message): void {
    switch (message.kind) {
      case 'tell':
        try {
          this.#call(message.name, message.args);
        } catch (error) {
          this.#onDefect(asAppError(error));
        }
        return;
      case 'ask':
        void this.#answer(message.id, message.name, message.args);
        return;
      case 'answer':
        this.#take(message.id)?.resolve(message.value);
        return;
      case 'refuse':
        this.#take(message.id)?.reject(restored(message.error));
        return;
      default:
        message satisfies never;
    }
  }

  async #answer(id: number, name: string, args: readonly unknown[]): Promise<void> {
    try {
      this.#port.postMessage({ kind: 'answer', id, value: await this.#call(name, args) } satisfies Message);
    } catch (error) {
      this.#refuse(id, carried(error));
    }
  }

  /** Particulars that can't be cloned stay here: that it failed, and why, must arrive. */
  #refuse(id: number, error: CarriedError): void {
    const { details: _, ...bare } = error;
    for (const each of [error, bare]) {
      try {
        this.#port.postMessage({ kind: 'refuse', id, error: each } satisfies Message);
        return;
      } catch (defect) {
        this.#onDefect(asAppError(defect));
      }
    }
  }

  #call(name: string, args: readonly unknown[]): unknown {
    if (this.#ours instanceof AppError) throw this.#ours;
    const handler = (this.#ours as unknown as Readonly<Record<string, Handler>>)[name];
    if (handler === undefined) throw new AppError('INTERNAL', `nothing here understands "${name}"`);
    return handler.apply(this.#ours, args as unknown[]);
  }

  #take(id: number): Waiting | undefined {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    return waiting;
  }
}
