/** Answers with a recording's audio: whole or a range of it (RFC 9110 §14), under a safe name, with its digest as entity tag. */
import { type FileHandle, open } from 'node:fs/promises';
import type { FastifyReply } from 'fastify';
import { AppError, systemCode } from '../core/errors.ts';
import { contentDisposition } from './audio-accept.ts';
import { byteRangeOf, isUnchanged } from './byte-range.ts';
import type { ArtefactFile } from './service.ts';

/** @throws AUDIO_MISSING, ARTEFACT_MISMATCH, RANGE_TOO_LARGE for a range that lies behind the end */
export const sendArtefact = async (
  reply: FastifyReply,
  artefact: ArtefactFile,
  kind: 'attachment' | 'inline',
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
  reply.type(mediaType).headers({
    ETag: etag,
    'Accept-Ranges': 'bytes',
    'Content-Disposition': contentDisposition(mediaName, kind),
    'Content-Length': last - first + 1,
  });
  if (range.kind === 'part') reply.code(206).header('Content-Range', `bytes ${first}-${last}/${bytes}`);
  if (method !== 'HEAD' && bytes > 0) return reply.send(file.createReadStream({ start: first, end: last }));
  await file.close();
  return reply.send();
};

const openWhole = async ({ path, bytes }: ArtefactFile): Promise<FileHandle> => {
  let file: FileHandle;
  try {
    file = await open(path, 'r');
  } catch (error) {
    if (systemCode(error) === 'ENOENT') throw new AppError('AUDIO_MISSING', 'the audio is gone', { cause: error });
    throw error;
  }
  const { size } = await file.stat();
  if (size === bytes) return file;
  await file.close();
  throw new AppError('ARTEFACT_MISMATCH', `the file has ${size} bytes where ${bytes} were written`);
};
