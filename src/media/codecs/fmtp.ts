/** Reads one parameter of an SDP `fmtp` line (RFC 8866 §6.15; `name=value; name=value` by habit). Pure. */
import type { WireCodec } from '../wire-codec.ts';

/** The value as written, the name compared without case; '' for a bare name; undefined when absent. */
export function formatParameter(wire: WireCodec, name: string): string | undefined {
  for (const part of wire.fmtp?.split(/[;\s]+/) ?? []) {
    const equals = part.indexOf('=');
    const key = equals < 0 ? part : part.slice(0, equals);
    if (key.toLowerCase() === name) return equals < 0 ? '' : part.slice(equals + 1);
  }
  return undefined;
}
