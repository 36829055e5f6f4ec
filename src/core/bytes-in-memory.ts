/** Bytes that are at hand, as a source of them. */
import type { ByteSource } from './byte-source.ts';

export const bytesInMemory = (bytes: Uint8Array): ByteSource => ({
  open: async () => ({
    size: bytes.length,
    read: async (into, position) => {
      const part = bytes.subarray(position, position + into.length);
      into.set(part);
      return part.length;
    },
    close: async () => {},
  }),
});
