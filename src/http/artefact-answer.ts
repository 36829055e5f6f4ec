/** Answers with a recording's audio: whole or a range of it (RFC 9110 §14), under a safe name, with its digest as entity tag. */
import type { FastifyReply } from 'fastify';
import type { OpenBytes } from '../core/byte-source.ts';
import { ByteStream } from '../core/byte-stream.ts';
import { AppError, systemCode } from '../core/errors.ts';
import { contentDisposition } from './audio-accept.ts';
import { byteRangeOf, isUnchanged } from './byte-range.ts';
import { type ReaderLimits, watchReader } from './reader-watch.ts';
import type { ArtefactFile } from './service.ts';

/**
 * What turns out damaged once the answer is under way cuts it off: it never passes for whole. So does a reader that takes nothing.
 * @throws AUDIO_MISSING, ARTEFACT_MISMATCH, RANGE_TOO_LARGE for a range that lies behind the end; what the source throws
 */
export const sendArtefact = async (
  reply: FastifyReply,
  artefact: ArtefactFile,
  kind: 'attachment' | 'inline',
  limits: ReaderLimits,
): Promise<FastifyReply> => {
  const { method, headers } = reply.request;
  const { bytes, mediaType, mediaName } = artefact;
  const etag = `"${artefact.sha256}"`;
  if (isUnchanged(headers['if-none-match'], etag)) return reply.code(304).header('ETag', etag).send();
  const range = byteRangeOf(headers.range, { bytes, etag }, headers['if-range']?.toString());
  if (range.kind === 'unsatisfiable') {
    reply.header('Content-Range', `bytes */${bytes}`);
    throw new AppError('RANGE_TOO_LARGE', `the audio has ${bytes} bytes`);
  }
  // Opened before the answer begins: a file that is deleted meanwhile is still read to its end.
  const file = await openWhole(artefact);
  const { first, last } = range.kind === 'part' ? range : { first: 0, last: bytes - 1 };
  const sendsBody = method !== 'HEAD' && bytes > 0;
  if (sendsBody) await proven(file, first);
  reply.type(mediaType).headers({
    ETag: etag,
    'Accept-Ranges': 'bytes',
    'Content-Disposition': contentDisposition(mediaName, kind),
    'Content-Length': last - first + 1,
  });
  if (range.kind === 'part') reply.code(206).header('Content-Range', `bytes ${first}-${last}/${bytes}`);
  if (!sendsBody) {
    await file.close();
    return reply.send();
  }
  watchReader(reply.raw, reply.request.raw.socket, limits);
  return reply.send(new ByteStream(file, first, last + 1));
};

const openWhole = async ({ source, bytes }: ArtefactFile): Promise<OpenBytes> => {
  const file = await source.open().catch((error: unknown) => {
    if (!(error instanceof AppError) || error.code !== 'INPUT_MISSING') throw error;
    if (systemCode(error.cause) === 'ENOENT')
      throw new AppError('AUDIO_MISSING', 'the audio is gone', { cause: error });
    // The disk's doing, and nobody's business where the file is.
    throw error.cause ?? error;
  });
  if (file.size === bytes) return file;
  await file.close();
  throw new AppError('ARTEFACT_MISMATCH', `the file has ${file.size} bytes where ${bytes} were written`);
};

/** Reads its first byte while an error can still be the answer. */
const proven = async (file: OpenBytes, first: number): Promise<void> => {
  try {
    await file.read(new Uint8Array(1), first);
  } catch (error) {
    await file.close();
    throw error;
  }
};
