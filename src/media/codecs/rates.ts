/** The rates of audio that are taken in: what the resampler and the artefact's formats span (design §6.2). */
export const isAudioRate = (rate: number): boolean => Number.isInteger(rate) && rate >= 8000 && rate <= 48_000;

/** Of linear audio, which media servers send at more than an artefact has; the finalizer brings it down (`artefactRate`). */
export const isLinearRate = (rate: number): boolean => Number.isInteger(rate) && rate >= 8000 && rate <= 192_000;
