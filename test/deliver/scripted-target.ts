/** A loopback HTTP server that answers each request by the next step of a script and keeps what it saw. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';

export type Seen = {
  readonly method: string;
  readonly url: string;
  /** As on the wire: names in their own case, in order. */
  readonly rawHeaders: readonly string[];
  readonly headers: IncomingMessage['headers'];
  /** Empty when the step did not read it. */
  readonly body: Buffer;
};

/** Given the request after `seen` was noted; the body is only read by steps that ask for it. */
export type Step = (
  request: IncomingMessage,
  response: ServerResponse,
  note: (body: Buffer) => void,
) => void | Promise<void>;

/** Reads the whole body, then answers. */
export const answer =
  (status: number, headers: Record<string, string> = {}, text = ''): Step =>
  async (request, response, note) => {
    note(await buffer(request));
    response.writeHead(status, headers).end(text);
  };

export class ScriptedTarget {
  readonly seen: Seen[] = [];
  readonly #server = createServer((request, response) => {
    const { method = '', url = '', rawHeaders, headers } = request;
    const note = (body: Buffer): void => void this.seen.push({ method, url, rawHeaders, headers, body });
    const step = this.#steps.length > 1 ? this.#steps.shift() : this.#steps[0];
    Promise.resolve(step?.(request, response, note)).catch(() => response.destroy());
  });
  #steps: Step[];

  /** The last step answers all further requests. */
  static async start(...steps: Step[]): Promise<ScriptedTarget> {
    const target = new ScriptedTarget(steps);
    await new Promise<void>((resolve) => target.#server.listen(0, '127.0.0.1', resolve));
    return target;
  }

  private constructor(steps: Step[]) {
    this.#steps = steps;
  }

  script(...steps: Step[]): this {
    this.#steps = steps;
    return this;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
