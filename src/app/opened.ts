/** What a start has opened so far: when a later step fails it is closed again, the last first, so that nothing keeps the process alive. */

type Close = () => void | Promise<void>;

export class Opened {
  #closes: Close[] = [];

  add(close: Close): void {
    this.#closes.push(close);
  }

  /** Everything so far is closed by that one from now on. */
  allBy(close: Close): void {
    this.#closes = [close];
  }

  /** One that can't be closed keeps no other open: why the start failed is what is to be told. */
  async close(): Promise<void> {
    for (const close of this.#closes.splice(0).reverse()) {
      try {
        await close();
      } catch {}
    }
  }
}
