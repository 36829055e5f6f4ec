/** Time as an argument. Microseconds since the Unix epoch unless a name says otherwise; doubles hold them exactly until 2255. */
export interface Clock {
  /** Microseconds since the Unix epoch. */
  now(): number;
  /** Resolves after `delayMs`, or early, rejecting with the signal's reason, when `signal` aborts. */
  sleep(delayMs: number, signal?: AbortSignal): Promise<void>;
}

export const systemClock: Clock = {
  now: () => (performance.timeOrigin + performance.now()) * 1000,
  sleep: (delayMs, signal) =>
    new Promise((resolve, reject) => {
      signal?.throwIfAborted();
      const onAbort = (): void => {
        clearTimeout(timer);
        reject(signal?.reason);
      };
      const timer = setTimeout(() => {
        signal?.removeEventListener('abort', onAbort);
        resolve();
      }, delayMs);
      signal?.addEventListener('abort', onAbort, { once: true });
    }),
};
