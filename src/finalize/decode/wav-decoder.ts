/** Reads the samples of a WAV file, RIFF or RF64, piece by piece. */
import { AppError } from '../../core/errors.ts';
import { bytesToPcm } from '../encode/pcm-bytes.ts';
import type { ArtefactFile } from './artefact-file.ts';
import type { OpenedAudio } from './decoded-audio.ts';
import { readWavFormat } from './wav-format.ts';
import { readWavLayout } from './wav-layout.ts';

const PIECE_BYTES = 64 * 1024;

/** @throws AppError ARTEFACT_UNREADABLE */
export const openWav = async (file: ArtefactFile): Promise<OpenedAudio> => {
  const { fmt, dataAt, dataBytes } = await readWavLayout(file.readAt, file.bytes);
  const format = readWavFormat(fmt);
  const frameBytes = 2 * format.channels;
  const samples = Math.floor(dataBytes / frameBytes);
  return {
    head: { format: 'wav', ...format, samples },
    read: (again) => readPcm(again, dataAt, dataAt + samples * frameBytes),
  };
};

async function* readPcm(file: ArtefactFile, start: number, end: number): AsyncGenerator<Int16Array> {
  for (let at = start; at < end; at += PIECE_BYTES) {
    const wanted = Math.min(PIECE_BYTES, end - at);
    const bytes = await file.readAt(at, wanted);
    if (bytes.length < wanted) throw new AppError('ARTEFACT_UNREADABLE', 'the wav became shorter while it was read');
    yield bytesToPcm(bytes);
  }
}
