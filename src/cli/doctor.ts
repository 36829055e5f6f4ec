/** `record-call doctor`: what this machine has and lacks, and what follows from it. */
import { access, constants } from 'node:fs/promises';
import { availableParallelism, totalmem } from 'node:os';
import { readConfiguration } from '../app/configuration.ts';
import { AppError, asAppError } from '../core/errors.ts';
import { probeFfmpeg } from '../finalize/ffmpeg/ffmpeg-program.ts';
import { foreignFormat } from '../finalize/ffmpeg/foreign-format.ts';
import { CODEC_NAMES, codecFor } from '../media/codecs/registry.ts';
import type { WireCodec } from '../media/wire-codec.ts';
import type { CommandIo } from './io.ts';
import { parseOptions } from './options.ts';

/** `lack`: something works less well or not at all; the command still ends with 0. `bad`: nothing will work. */
type Finding = { readonly topic: string; readonly state: 'ok' | 'lack' | 'bad'; readonly detail: string };

export const doctorCommand = async (args: string[], io: CommandIo): Promise<number> => {
  const { values, positionals } = parseOptions('doctor', args, { json: { type: 'boolean', default: false } });
  if (positionals.length > 0) throw new AppError('USAGE', `doctor takes no "${positionals[0]}"`);
  const findings = [node(), configuration(io), ...(await ffmpeg(io)), await folder(), machine(), kernel()];
  if (values.json) io.stdout.write(`${JSON.stringify(findings, null, 2)}\n`);
  else
    for (const { topic, state, detail } of findings)
      io.stdout.write(`${state.padEnd(5)} ${topic.padEnd(14)} ${detail}\n`);
  return findings.some(({ state }) => state === 'bad') ? 1 : 0;
};

const HERE = 'PCMU PCMA L16 G722 opus';

/** A description that a codec can have; only its name matters here. */
const described = (name: string): WireCodec => ({ name, clockRate: name === 'AMR-WB' ? 16_000 : 8000, channels: 1 });

const names = (wires: readonly WireCodec[]): string => wires.map(({ name }) => name).join(' ');

const node = (): Finding => {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const enough = major > 20 || (major === 20 && minor >= 19);
  return {
    topic: 'node',
    state: enough ? 'ok' : 'bad',
    detail: `${process.versions.node}${enough ? '' : ': 20.19 or later is needed'}`,
  };
};

const configuration = ({ env }: CommandIo): Finding => {
  try {
    readConfiguration(env);
    return {
      topic: 'configuration',
      state: 'ok',
      detail: 'every RECORD_CALL_ variable is known and has a value it can have',
    };
  } catch (error) {
    return { topic: 'configuration', state: 'bad', detail: asAppError(error).message };
  }
};

const ffmpeg = async ({ env }: CommandIo): Promise<Finding[]> => {
  const foreign = CODEC_NAMES.map(described).filter((wire) => codecFor(wire)?.decodedBy === 'ffmpeg');
  try {
    const program = await probeFfmpeg(env);
    const hasLame = program.encoders.has('libmp3lame');
    const able = foreign.filter((wire) => foreignFormat(wire)?.decoders.some((name) => program.decoders.has(name)));
    const missing = foreign.filter((wire) => !able.includes(wire));
    return [
      { topic: 'ffmpeg', state: 'ok', detail: `${program.version} at ${program.path}` },
      {
        topic: 'mp3',
        state: hasLame ? 'ok' : 'lack',
        detail: hasLame ? 'by ffmpeg with libmp3lame' : 'by lamejs: this ffmpeg has no libmp3lame',
      },
      {
        topic: 'codecs',
        state: missing.length === 0 ? 'ok' : 'lack',
        detail: `${HERE} here, ${names(able)} by ffmpeg${missing.length === 0 ? '' : `; not ${names(missing)}`}`,
      },
    ];
  } catch (error) {
    return [
      { topic: 'ffmpeg', state: 'lack', detail: asAppError(error).message },
      { topic: 'mp3', state: 'ok', detail: 'by lamejs, in worker threads; ffmpeg would be about three times as fast' },
      {
        topic: 'codecs',
        state: 'lack',
        detail: `${HERE}; ${names(foreign.filter((wire) => foreignFormat(wire) !== undefined))} need ffmpeg`,
      },
    ];
  }
};

const folder = async (): Promise<Finding> => {
  try {
    await access('.', constants.W_OK);
    return { topic: 'folder', state: 'ok', detail: 'recordings can be written below the current folder' };
  } catch {
    return { topic: 'folder', state: 'lack', detail: 'the current folder is not writable: use --out' };
  }
};

const machine = (): Finding => ({
  topic: 'machine',
  state: 'ok',
  detail: `${availableParallelism()} processors, ${(totalmem() / 2 ** 30).toFixed(0)} GiB: as many recordings are encoded at once`,
});

const kernel = (): Finding => ({
  topic: 'kernel',
  state: 'lack',
  detail: 'TypeScript; this version has no native one',
});
