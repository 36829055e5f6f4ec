/** Bytes that can be read from any place and as often as wanted: a file as it lies there, or one that is sealed on disk. */
export interface ByteSource {
  /** @throws INPUT_MISSING when it is not there; what else the source knows to say of it */
  open(): Promise<OpenBytes>;
}

export interface OpenBytes {
  /** Of the content; fixed while it is open, also when the file is removed meanwhile. */
  readonly size: number;
  /** Fills `into` from `position`, as far as there is something. @returns how many bytes; 0 at the end only */
  read(into: Uint8Array, position: number): Promise<number>;
  /** Idempotent. */
  close(): Promise<void>;
}
