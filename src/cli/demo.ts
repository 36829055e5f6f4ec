/** `record-call demo`: the sample call of `samples/`, from its capture to its upload, with a picture of what came out. */
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readConfiguration } from '../app/configuration.ts';
import type { RecordingDocument } from '../app/recording-document.ts';
import { AppError, systemCode } from '../core/errors.ts';
import { decodeArtefact } from '../finalize/decode/artefact-decoder.ts';
import { probeFfmpeg } from '../finalize/ffmpeg/ffmpeg-program.ts';
import { verifyArtefact } from '../finalize/verify-artefact.ts';
import { startUploadTarget } from '../http/upload-target.ts';
import { makeFolder } from '../spool/make-folder.ts';
import type { CommandIo, Output } from './io.ts';
import { parseOptions } from './options.ts';
import { peaksOf } from './peaks.ts';
import { drawPicture } from './picture.ts';
import { replayCommand } from './replay.ts';
import { summarize } from './summary.ts';

const SAMPLES = new URL('../../samples/', import.meta.url);
const CAPTURE = fileURLToPath(new URL('card-payment.pcap', SAMPLES));
const METAFLOWS = fileURLToPath(new URL('card-payment.metaflows.json', SAMPLES));
const PARTS = 400;

export const demoCommand = async (args: string[], io: CommandIo): Promise<number> => {
  const options = { out: { type: 'string', default: join(tmpdir(), `record-call-demo-${process.pid}`) } } as const;
  const { out } = parseOptions('demo', args, options, 'no words').values;
  readConfiguration(io.env);
  const uploads = join(out, 'uploads');
  await makeOwn(uploads);
  const say = (line = ''): void => void io.stdout.write(`${line}\n`);

  const target = await startUploadTarget({ port: 0, host: '127.0.0.1', directory: uploads });
  let document: RecordingDocument;
  try {
    say('Alice calls Bob to pay by card. Bob presses *71 to record, *72 before she reads');
    say('out her card, *73 after it, *74 to stop.');
    say(`Replaying ${relative('.', CAPTURE)}`);
    say(`with ${relative('.', METAFLOWS)} …`);
    say();
    const command = [CAPTURE, '--metaflows', METAFLOWS, `--out=${out}`, '--url', `${target.url}/`, '--json'];
    document = await replayed(command, io);
  } finally {
    await target.close();
  }
  for (const line of await pictureOf(document, io.stdout, io.env)) say(line);
  say();
  for (const line of summarize(document)) say(line);
  for (const { name, ok, detail } of await verifyArtefact(document.path!)) {
    if (name.startsWith('mask ') || !ok) say(`verified   ${name}: ${detail.replace(', but ', ',\n           but ')}`);
  }
  say();
  say(`The upload target stored it below ${uploads}`);
  say(`Listen:    ${await player()} ${document.path}`);
  say(`Check:     node dist/cli.js verify ${document.path}`);
  say(`Manifest:  ${document.manifest}`);
  return document.state === 'delivered' ? 0 : 1;
};

const makeOwn = async (folder: string): Promise<void> => {
  try {
    await makeFolder(folder);
  } catch (cause) {
    const why = systemCode(cause) ?? 'unknown';
    throw new AppError('OUTPUT_UNWRITABLE', `can't make the folder ${folder} (${why}); choose another with --out`, {
      cause,
    });
  }
};

/** Runs the replay command as a user would, and takes its document. */
const replayed = async (command: string[], io: CommandIo): Promise<RecordingDocument> => {
  let json = '';
  const status = await replayCommand(command, { ...io, stdout: { write: (text) => (json += text) } });
  const [document] = JSON.parse(json) as RecordingDocument[];
  if (status !== 0 || document?.path == null) throw new AppError('ENCODE_FAILED', 'the sample call was not recorded');
  return document;
};

const pictureOf = async ({ path, masks }: RecordingDocument, out: Output, env: CommandIo['env']): Promise<string[]> => {
  const { chunks, channels, samples, sampleRate } = await decodeArtefact(path!);
  const totalSamples = samples ?? 0;
  const peaks = await peaksOf(chunks, { channels, totalSamples, parts: PARTS });
  return drawPicture({
    durationMs: (totalSamples * 1000) / sampleRate,
    legs: peaks.map((each, index) => ({ name: index === 0 ? 'a  Alice' : 'b  Bob', peaks: each })),
    masks: masks.map(({ start_ms, end_ms, mode }) => ({ startMs: start_ms, endMs: end_ms, mode })),
    width: Math.min(100, out.columns ?? 80),
    color: out.isTTY === true && (env['NO_COLOR'] ?? '') === '',
  });
};

const player = async (): Promise<string> => {
  if (process.platform === 'darwin') return 'afplay';
  const hasFfmpeg = await probeFfmpeg().then(
    () => true,
    () => false,
  );
  return hasFfmpeg ? 'ffplay -autoexit' : 'open in any player:';
};
