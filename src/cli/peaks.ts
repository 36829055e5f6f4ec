/** How loud a recording is over time, in as few numbers as a picture needs. Memory is theirs alone, however long the recording. */

export type PeakOptions = {
  readonly channels: number;
  /** Samples per channel that will come; what comes beyond is counted to the last part. */
  readonly totalSamples: number;
  /** Into how many equal parts the recording is divided. */
  readonly parts: number;
};

/**
 * The loudest sample of each part for each channel, 0–1.
 * @param chunks interleaved samples; a chunk may end between two channels.
 */
export const peaksOf = async (chunks: AsyncIterable<Int16Array>, options: PeakOptions): Promise<Float32Array[]> => {
  const { channels, totalSamples, parts } = options;
  const peaks = Array.from({ length: channels }, () => new Float32Array(parts));
  const endOf = (part: number): number =>
    part === parts - 1 ? Number.POSITIVE_INFINITY : Math.ceil(((part + 1) * totalSamples) / parts);
  let channel = 0;
  let sample = 0;
  let part = 0;
  let partEnd = endOf(0);
  for await (const chunk of chunks) {
    for (let index = 0; index < chunk.length; index++) {
      while (sample >= partEnd) partEnd = endOf(++part);
      const level = Math.abs(chunk[index]!) / 32768;
      const row = peaks[channel]!;
      if (level > row[part]!) row[part] = level;
      channel += 1;
      if (channel === channels) {
        channel = 0;
        sample += 1;
      }
    }
  }
  return peaks;
};
