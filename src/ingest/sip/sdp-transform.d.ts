/** What src/ingest/sip/ uses of sdp-transform 3.0.0, which ships no types: every value that looks like an integer is one. */
declare module 'sdp-transform' {
  type Value = string | number;
  type Level = {
    connection?: { version?: Value; ip?: Value };
    direction?: string;
    crypto?: readonly unknown[];
    fingerprint?: unknown;
    /** `a=` lines it has no grammar for, as written. */
    invalid?: readonly { value?: Value }[];
  };
  export type SessionDescription = Level & {
    version?: Value;
    media: readonly (Level & {
      type?: Value;
      port?: Value;
      protocol?: Value;
      /** The format list as one text, or a number when there is one format. */
      payloads?: Value;
      rtp: readonly { payload?: Value; codec?: Value; rate?: Value; encoding?: Value }[];
      fmtp: readonly { payload?: Value; config?: Value }[];
      label?: Value;
      ptime?: Value;
      rtcpMux?: string;
      candidates?: readonly unknown[];
    })[];
  };
  export function parse(sdp: string): SessionDescription;
  /** Writes values as they are: whoever calls sees to it that no line end is among them. */
  export function write(session: object): string;
}
