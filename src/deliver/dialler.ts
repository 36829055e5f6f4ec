/**
 * Opens the connection of one request, judging its address at the moment it is dialled: what a name resolved to a second ago, or to
 * another caller, counts for nothing. Never resolves a name twice for one connection.
 */
import { lookup } from 'node:dns/promises';
import { isIP, type LookupFunction, type Socket } from 'node:net';
import { Agent, buildConnector } from 'undici';
import { forbiddenHost, mayDial, type TargetPolicy } from './target-address.ts';

export type Resolved = { readonly address: string; readonly family: number };
/** A name's addresses in the order they should be tried. */
export type Resolve = (hostname: string) => Promise<readonly Resolved[]>;

export const systemResolve: Resolve = (hostname) => lookup(hostname, { all: true });

/** The `lookup` hook of `net.connect`: only addresses that may be dialled come out of it. */
export const guardedLookup =
  (policy: TargetPolicy, resolve: Resolve): LookupFunction =>
  (hostname, options, callback) => {
    const answer = async (): Promise<Resolved[]> => {
      const family = options.family === 4 || options.family === 6 ? options.family : undefined;
      const found = (await resolve(hostname)).filter((one) => family === undefined || one.family === family);
      const allowed = found.filter(({ address }) => mayDial(hostname, address, policy));
      if (allowed.length === 0 && found.length > 0) throw forbiddenHost(hostname);
      if (allowed.length === 0) throw Object.assign(new Error('the name has no address'), { code: 'ENOTFOUND' });
      return allowed;
    };
    answer().then(
      (allowed) => (options.all ? callback(null, allowed) : callback(null, allowed[0]!.address, allowed[0]!.family)),
      (error: NodeJS.ErrnoException) => callback(error, []),
    );
  };

export class Dialler {
  readonly agent: Agent;
  /** How long the connection took to open, TLS included: an upper bound of one round trip. */
  connectMs = 0;
  #socket: Socket | undefined;
  readonly #closing = new AbortController();

  constructor(options: { policy: TargetPolicy; resolve: Resolve; connectMs: number }) {
    const { policy, resolve } = options;
    const dial = buildConnector({
      lookup: guardedLookup(policy, resolve),
      timeout: options.connectMs,
      // Ends a connection that is still being opened, which the agent does not.
      signal: this.#closing.signal,
    });
    this.agent = new Agent({
      connect: (target, callback) => {
        // `lookup` is not asked about a literal address, so that one is judged here.
        if (isIP(target.hostname) !== 0 && !mayDial(target.hostname, target.hostname, policy)) {
          callback(forbiddenHost(target.hostname), null);
          return;
        }
        const begunMs = performance.now();
        dial(target, (...result) => {
          this.connectMs = performance.now() - begunMs;
          if (result[1]) this.#socket = result[1];
          callback(...result);
        });
      },
      // The try has its own watchdog, which also sees a target that stops taking the body.
      headersTimeout: 0,
      bodyTimeout: 0,
    });
  }

  /** Whether all that was written has been given to the operating system. */
  get flushed(): boolean {
    return this.#socket === undefined || this.#socket.writableLength === 0;
  }

  /** Ends the connection, also one that is still being opened. */
  async close(): Promise<void> {
    await this.agent.destroy();
    this.#closing.abort();
  }
}
