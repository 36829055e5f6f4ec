/** What reading an artefact gives. */
import type { Format } from '../../core/record-call.ts';
import type { PcmFormat } from '../encode/audio-encoder.ts';
import type { ArtefactFile } from './artefact-file.ts';

export type AudioHead = PcmFormat & {
  readonly format: Format;
  /** Per channel, as the file's own header says; undefined for an mp3 without an Info tag. */
  readonly samples: number | undefined;
};

export type DecodedAudio = AudioHead & {
  /**
   * The audio in order, interleaved when stereo, in fresh arrays of whole frames, each some tens of KiB: exactly
   * `samples` per channel. Nothing is open before or after; each iteration reads the file anew.
   * @throws AppError INPUT_MISSING, ARTEFACT_UNREADABLE on the way, when the file turns out damaged or cut.
   */
  readonly chunks: AsyncIterable<Int16Array>;
};

/** A format's reader after its head was understood: `read` gives the samples of the same file, opened again. */
export type OpenedAudio = {
  readonly head: AudioHead;
  readonly read: (file: ArtefactFile) => AsyncIterable<Int16Array>;
};
