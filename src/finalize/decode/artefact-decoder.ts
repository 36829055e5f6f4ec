/** Opens a finished recording, mp3 or wav by its content and not by its name, and gives back its samples. */
import type { ByteSource } from '../../core/byte-source.ts';
import { AppError } from '../../core/errors.ts';
import { ArtefactFile } from './artefact-file.ts';
import type { DecodedAudio, OpenedAudio } from './decoded-audio.ts';
import { openMp3 } from './mp3-decoder.ts';
import { openWav } from './wav-decoder.ts';

/** @param from the path of a plain file, or a source. @throws AppError INPUT_MISSING, ARTEFACT_UNREADABLE; what the source throws */
export const decodeArtefact = async (from: string | ByteSource): Promise<DecodedAudio> => {
  const file = await ArtefactFile.open(from);
  try {
    const { head, read } = await understand(file);
    return { ...head, chunks: { [Symbol.asyncIterator]: () => readAgain(from, read) } };
  } catch (error) {
    throw named(from, error);
  } finally {
    await file.close();
  }
};

const understand = async (file: ArtefactFile): Promise<OpenedAudio> => {
  const head = (await file.readAt(0, 4)).toString('latin1');
  if (head === '') throw new AppError('ARTEFACT_UNREADABLE', 'the file is empty');
  if (head === 'RIFF' || head === 'RF64') return openWav(file);
  if (head.startsWith('ID3') || head.startsWith('\xff')) return openMp3(file);
  throw new AppError('ARTEFACT_UNREADABLE', 'the file is neither mp3 nor wav');
};

async function* readAgain(from: string | ByteSource, read: OpenedAudio['read']): AsyncGenerator<Int16Array> {
  const file = await ArtefactFile.open(from);
  try {
    yield* read(file);
  } catch (error) {
    throw named(from, error);
  } finally {
    await file.close();
  }
}

/** An error of the readers with the file's name put before it, where there is one. */
const named = (from: string | ByteSource, error: unknown): unknown =>
  error instanceof AppError && typeof from === 'string'
    ? new AppError(error.code, `${from}: ${error.message}`, { cause: error.cause })
    : error;
