/** What a client may ask of the API at most; the defaults harm no well-meaning one. */

export type ApiLimits = {
  /** A JSON body. */
  readonly bodyBytes: number;
  readonly bodyTimeoutMs: number;
  /** From a connection's first byte to the end of a request's headers. */
  readonly headersTimeoutMs: number;
  /** The whole of a request, an upload or a stream too: longer than a recording may be. */
  readonly requestTimeoutMs: number;
  /** How long a connection may idle between requests. */
  readonly keepAliveMs: number;
  /** How long the reader of a recording's audio may take nothing. */
  readonly readerStallMs: number;
  /** How long requests under way have to be answered once the service closes. */
  readonly closingMs: number;
  /** Connections at once. */
  readonly connections: number;
  /** Failed authentications of one address (one /64 of IPv6). */
  readonly failuresPerMinute: number;
  /** An uploaded file. */
  readonly uploadBytes: number;
  /** Uploads of one account at once. */
  readonly uploads: number;
  /** Listeners to one account's events. */
  readonly listeners: number;
};

export const DEFAULT_LIMITS: ApiLimits = {
  bodyBytes: 1_048_576,
  bodyTimeoutMs: 30_000,
  headersTimeoutMs: 10_000,
  requestTimeoutMs: 14_400_000,
  keepAliveMs: 30_000,
  readerStallMs: 60_000,
  closingMs: 5000,
  connections: 2000,
  failuresPerMinute: 10,
  uploadBytes: 4 * 2 ** 30,
  uploads: 4,
  listeners: 32,
};

/** The largest body that is read before its sender is known: thousands may send one at once. */
export const STRANGERS_BODY_BYTES = 65_536;
