/**
 * Gives memory back when it is done with, and not when the collector comes by: it comes the sooner, and goes through all of a thread's
 * objects, the more memory has been asked for. Where there is no native kernel it stays the collector's.
 */
import { nativeModule } from './native-module.ts';

/**
 * @param bytes all of its memory, which nobody reads or writes any more: it is empty from now on, as is every other view. A part of
 * larger memory is left as it is.
 */
export const release = (bytes: Uint8Array): void => {
  nativeModule?.release(bytes);
};
