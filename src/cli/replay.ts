/** `record-call replay`: captures in, masked recordings out (design §6.1). */
import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { readConfiguration } from '../app/configuration.ts';
import { preventCoreDumps, revealingWarning } from '../app/memory-hygiene.ts';
import type { RecordingDocument } from '../app/recording-document.ts';
import { type ReplayListener, type ReplayResult, replay } from '../app/replay.ts';
import { readSigningKey } from '../app/signing-key.ts';
import { type MetaflowsDocument, parseMetaflowsJson } from '../control/metaflow-document.ts';
import { recordCallFieldsOf } from '../control/metaflow-fields.ts';
import { systemClock } from '../core/clock.ts';
import { AppError, systemCode } from '../core/errors.ts';
import type { Leg } from '../core/leg.ts';
import type { RecordCallFields } from '../core/record-call.ts';
import { parseRecordCallFields } from '../core/record-call-fields.ts';
import type { AllowList } from '../deliver/allow-list.ts';
import { checkUrl } from '../deliver/target-address.ts';
import { errorLine } from './error-line.ts';
import type { CommandIo } from './io.ts';
import { parseMaskSpan, parseOptions, parseSpeed } from './options.ts';
import { ProgressLine } from './progress.ts';
import { summarize, summarizeFailures } from './summary.ts';

const OPTIONS = {
  metaflows: { type: 'string' },
  holder: { type: 'string' },
  data: { type: 'string', default: '{}' },
  mask: { type: 'string', multiple: true, default: [] as string[] },
  'redact-tones': { type: 'boolean', default: false },
  out: { type: 'string', default: './recordings' },
  url: { type: 'string' },
  sign: { type: 'string' },
  speed: { type: 'string', default: 'max' },
  json: { type: 'boolean', default: false },
} as const;

export const replayCommand = async (args: string[], io: CommandIo): Promise<number> => {
  const { values, positionals: captures } = parseOptions('replay', args, OPTIONS);
  if (captures.length === 0)
    throw new AppError('USAGE', 'replay: name at least one capture file; record-call help shows how');
  const { allow_targets: allowTargets, mp3_encoder: mp3Encoder } = readConfiguration(io.env);
  const fields = parseData(values.data);
  const metaflows = values.metaflows === undefined ? undefined : await readMetaflows(values.metaflows);
  // A code's fields and --data's together must be as sound as each alone.
  const starts = metaflows === undefined ? [] : recordCallFieldsOf(metaflows);
  for (const start of starts) parseRecordCallFields({ ...start, ...fields });
  checkTargets(values.url, [fields, ...starts], allowTargets);
  const signing = values.sign === undefined ? {} : { signingKey: await readSigningKey(values.sign) };

  const revealing = revealingWarning();
  if (revealing !== undefined) io.stderr.write(`warning: ${revealing}\n`);
  await preventCoreDumps();
  const progress = new ProgressLine(io.stderr);
  const told: RecordingDocument[] = [];
  const result = await replay({
    captures,
    metaflows,
    holder: parseHolder(values.holder),
    fields,
    masks: values.mask.map(parseMaskSpan),
    redactTones: values['redact-tones'],
    directory: values.out,
    url: values.url,
    allow: allowTargets,
    speed: parseSpeed('replay', values.speed),
    encoder: mp3Encoder,
    ...signing,
    clock: systemClock,
    random: Math.random,
    signal: io.signal,
    listener: { ...listener(io, progress), onRecording: (document) => told.push(document) },
  })
    .catch((error: unknown) => {
      progress.clear();
      // Whatever ended the replay, what it had made by then is there.
      const kept = told.filter(({ path }) => path !== null);
      if (kept.length > 0) print(kept, values.json, io);
      throw error;
    })
    .finally(() => progress.clear());

  print(result.recordings, values.json, io);
  if (result.nothing !== undefined) throw new AppError('NOTHING_TO_RECORD', `nothing to record: ${result.nothing}`);
  return exitStatus(result, io);
};

const print = (recordings: readonly RecordingDocument[], asJson: boolean, { stdout }: CommandIo): void => {
  if (asJson) stdout.write(`${JSON.stringify(recordings, null, 2)}\n`);
  else for (const document of recordings) for (const line of summarize(document)) stdout.write(`${line}\n`);
};

/** Says on stderr what failed, for whoever reads no document: a line for each capture, and one for all recordings. */
const exitStatus = ({ recordings, failures }: ReplayResult, { stderr }: CommandIo): number => {
  for (const { error } of failures) stderr.write(errorLine(error));
  const failed = summarizeFailures(recordings);
  if (failed !== undefined) stderr.write(errorLine(failed));
  return Math.max(0, ...failures.map(({ error }) => error.exit), failed === undefined ? 0 : 1);
};

/** Names of files and parties may hold anything. */
const oneLine = (text: string): string => text.replace(/\p{Cc}+\s*/gu, ' ');

const listener = (io: CommandIo, progress: ProgressLine): ReplayListener => {
  const say = (line: string): void => {
    progress.clear();
    io.stderr.write(`${oneLine(line)}\n`);
  };
  return {
    onReading: (capture, pass, bytes, total) =>
      progress.show(`${pass === 1 ? 'surveying' : 'recording'} ${basename(capture)}`, total === 0 ? 1 : bytes / total),
    onFinalizing: (_id, share) => progress.show('encoding', share),
    onWarning: (message) => say(`warning: ${message}`),
    onPlan: (capture, plan) => {
      for (const { what, path, packets, why } of plan.calls.length === 0 ? [] : plan.leftOut) {
        say(`left out: ${basename(capture)}: ${what} ${path} (${packets} packets): ${why}`);
      }
    },
    onTry: (_id, { error, retryInMs }) => {
      if (error !== undefined && retryInMs !== undefined)
        say(`delivery: ${error.message}; next try in ${(retryInMs / 1000).toFixed(1)} s`);
    },
  };
};

/** A forbidden literal address is refused before anything is recorded; a name is judged when it is dialled. */
const checkTargets = (url: string | undefined, all: readonly RecordCallFields[], allow: AllowList): void => {
  if (url !== undefined) checkUrl(url, 'operator');
  else for (const fields of all) if (fields.url !== undefined) checkUrl(fields.url, allow);
};

const parseData = (text: string): RecordCallFields => {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new AppError('USAGE', `replay: --data takes a JSON object of record_call fields, such as '{"format":"wav"}'`);
  }
  const fields = parseRecordCallFields(value);
  if (fields.action !== undefined && fields.action !== 'start') {
    throw new AppError(
      'FIELDS_INVALID',
      `record_call: action: a replay starts recordings; "${fields.action}" is for codes and --mask`,
    );
  }
  return fields;
};

const readMetaflows = async (path: string): Promise<MetaflowsDocument> => {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (cause) {
    throw new AppError('INPUT_MISSING', `can't read the metaflows file ${path} (${systemCode(cause) ?? 'unknown'})`, {
      cause,
    });
  }
  return parseMetaflowsJson(text, path);
};

const parseHolder = (text: string | undefined): Leg | undefined => {
  if (text === undefined || text === 'a' || text === 'b') return text;
  throw new AppError('USAGE', `replay: --holder takes a (the caller) or b (the callee), not "${text}"`);
};
