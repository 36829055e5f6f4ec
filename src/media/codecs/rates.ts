/** The rates of audio that are taken in: what the resampler and the artefact's formats span (design §6.2). */
export const isAudioRate = (rate: number): boolean => Number.isInteger(rate) && rate >= 8000 && rate <= 48_000;
