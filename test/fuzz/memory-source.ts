/** Bytes in memory where a file is expected. */
import type { ByteSource } from '../../src/core/byte-source.ts';

export const memorySource = (bytes: Uint8Array): ByteSource => ({
  open: async () => ({
    size: bytes.length,
    read: async (into, position) => {
      const piece = bytes.subarray(position, position + into.length);
      into.set(piece);
      return piece.length;
    },
    close: async () => {},
  }),
});
