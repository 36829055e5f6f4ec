/** Ids in Kazoo's shapes. Randomness is an argument. */

export type RandomBytes = (bytes: number) => Uint8Array;

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

/** A recording's id, `YYYYMM-<32 lower-hex>`: month (UTC) and bucket come from the same instant, the recording's start. */
export const recordingId = (startUs: number, random: RandomBytes): string => {
  const date = new Date(startUs / 1000);
  const month = String(date.getUTCMonth() + 1).padStart(2, '0');
  return `${date.getUTCFullYear()}${month}-${hex(random(16))}`;
};

/** A media name where none was given: `<32 lower-hex>.<format>`. */
export const mediaName = (format: string, random: RandomBytes): string => `${hex(random(16))}.${format}`;

/** Seconds between Kazoo's epoch, year 0 of the Gregorian calendar, and Unix's. */
const GREGORIAN_EPOCH_SECONDS = 62_167_219_200;

export const gregorianSeconds = (unixUs: number): number => Math.floor(unixUs / 1e6) + GREGORIAN_EPOCH_SECONDS;
