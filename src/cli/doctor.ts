/** `record-call doctor`: what this machine has and lacks, and what follows from it. */
import { readFileSync } from 'node:fs';
import { access, constants } from 'node:fs/promises';
import { availableParallelism, totalmem } from 'node:os';
import { readConfiguration } from '../app/configuration.ts';
import { coreDumpWarning, preventCoreDumps, revealingWarning } from '../app/memory-hygiene.ts';
import type { Settings } from '../app/settings.ts';
import { asAppError } from '../core/errors.ts';
import { probeFfmpeg } from '../finalize/ffmpeg/ffmpeg-program.ts';
import { foreignFormat } from '../finalize/ffmpeg/foreign-format.ts';
import { nativeModule } from '../kernel/native-module.ts';
import { CODEC_NAMES, codecFor } from '../media/codecs/registry.ts';
import type { WireCodec } from '../media/wire-codec.ts';
import { serviceFindings } from './doctor-service.ts';
import type { Finding } from './finding.ts';
import type { CommandIo } from './io.ts';
import { parseOptions } from './options.ts';

export const doctorCommand = async (args: string[], io: CommandIo): Promise<number> => {
  const { values } = parseOptions('doctor', args, { json: { type: 'boolean', default: false } }, 'no words');
  const { settings, finding } = configuration(io);
  const service = await serviceFindings(settings);
  const findings = [
    node(),
    finding,
    ...(await ffmpeg(io)),
    await folder(),
    machine(),
    kernel(io.env),
    await memory(),
    ...service,
  ];
  if (values.json) io.stdout.write(`${JSON.stringify(findings, null, 2)}\n`);
  else
    for (const { topic, state, detail } of findings)
      io.stdout.write(`${state.padEnd(5)} ${topic.padEnd(14)} ${detail}\n`);
  return findings.some(({ state }) => state === 'bad') ? 1 : 0;
};

/** A description that a codec can have; only its name matters here. */
const described = (name: string): WireCodec => ({ name, clockRate: name === 'AMR-WB' ? 16_000 : 8000, channels: 1 });

const decodedBy = (who: 'native' | 'ffmpeg'): WireCodec[] =>
  CODEC_NAMES.map(described).filter((wire) => codecFor(wire)?.decodedBy === who);

const HERE = decodedBy('native');
/** ffmpeg is known to be able to. Of the rest no more than the name and the lengths of frames is known. */
const FOREIGN = decodedBy('ffmpeg').filter((wire) => foreignFormat(wire) !== undefined);
const NOWHERE = decodedBy('ffmpeg').filter((wire) => foreignFormat(wire) === undefined);

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

/** Settings that are none are as bad as none: the rest is told of the defaults. */
const configuration = ({ env }: CommandIo): { readonly settings: Settings; readonly finding: Finding } => {
  const topic = 'configuration';
  try {
    const settings = readConfiguration(env);
    const detail = 'every RECORD_CALL_ variable is known and has a value it can have';
    return { settings, finding: { topic, state: 'ok', detail } };
  } catch (error) {
    return { settings: readConfiguration({}), finding: { topic, state: 'bad', detail: asAppError(error).message } };
  }
};

const ffmpeg = async ({ env }: CommandIo): Promise<Finding[]> => {
  try {
    const program = await probeFfmpeg(env);
    const hasLame = program.encoders.has('libmp3lame');
    const adds = FOREIGN.filter((wire) => foreignFormat(wire)?.decoders.some((name) => program.decoders.has(name)));
    const lacks = FOREIGN.filter((wire) => !adds.includes(wire));
    return [
      { topic: 'ffmpeg', state: 'ok', detail: `${program.version} at ${program.path}` },
      mp3(env, hasLame ? 'has libmp3lame' : 'has no libmp3lame'),
      {
        topic: 'codecs',
        state: lacks.length === 0 ? 'ok' : 'lack',
        detail: [
          `${names(HERE)} decoded here`,
          ...(adds.length === 0 ? [] : [`ffmpeg adds ${names(adds)}`]),
          ...(lacks.length === 0 ? [] : [`this ffmpeg has no decoder for ${names(lacks)}`]),
        ].join('; '),
      },
      undecoded(),
    ];
  } catch (error) {
    return [
      { topic: 'ffmpeg', state: 'lack', detail: asAppError(error).message },
      mp3(env, 'can not be used'),
      { topic: 'codecs', state: 'lack', detail: `${names(HERE)} decoded here; ${names(FOREIGN)} need ffmpeg` },
      undecoded(),
    ];
  }
};

const mp3 = (
  { RECORD_CALL_MP3_ENCODER: asked }: CommandIo['env'],
  ffmpeg: 'has libmp3lame' | 'has no libmp3lame' | 'can not be used',
): Finding => {
  const found = (state: Finding['state'], detail: string): Finding => ({ topic: 'mp3', state, detail });
  if (asked === 'lamejs') return found('ok', 'by lamejs, as RECORD_CALL_MP3_ENCODER says');
  const library = nativeModule?.mp3Library();
  if (library !== undefined && asked !== 'ffmpeg') return found('ok', `by ${library}, through the native kernel`);
  if (asked === 'libmp3lame')
    return found('lack', 'by none: RECORD_CALL_MP3_ENCODER says libmp3lame, which is not here');
  if (ffmpeg === 'has libmp3lame') return found('ok', 'by ffmpeg with libmp3lame');
  if (asked === 'ffmpeg') return found('lack', `by none: RECORD_CALL_MP3_ENCODER says ffmpeg, which ${ffmpeg}`);
  return found(
    ffmpeg === 'can not be used' ? 'ok' : 'lack',
    `by lamejs: ffmpeg ${ffmpeg}; npm run bench prints how fast each is here`,
  );
};

const undecoded = (): Finding => ({
  topic: 'undecoded',
  state: 'lack',
  detail: `${names(NOWHERE)}: known by name, decoded neither here nor through ffmpeg; a recording with one of them fails`,
});

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

/** What `serve` will find: doctor turns its own dumps off to see. */
const memory = async (): Promise<Finding> => {
  const topic = 'memory';
  const found = [revealingWarning(), coreDumpWarning(await preventCoreDumps())].filter((each) => each !== undefined);
  if (found.length > 0) return { topic, state: 'lack', detail: found.join('; ') };
  return {
    topic,
    state: 'ok',
    detail: 'core dumps can be turned off, and no option of Node.js writes or shows memory',
  };
};

const kernel = ({ RECORD_CALL_NATIVE: asked }: CommandIo['env']): Finding => {
  const topic = 'kernel';
  if (nativeModule !== undefined) return { topic, state: 'ok', detail: `native, ${nativeBuild()}` };
  const why = asked === 'off' ? 'RECORD_CALL_NATIVE turns the native one off' : whyNotNative();
  return { topic, state: 'lack', detail: `TypeScript: ${why}` };
};

const whyNotNative = (): string => {
  const built = nativeBuild();
  return built.startsWith(BUILT) ? `the native kernel, ${built}, is not these sources'; ${REMEDY}` : built;
};

const BUILT = 'built by';
const REMEDY = '`npm run build:native` builds it where there is a C compiler';

/** What `native/build.mjs` has noted. */
const nativeBuild = (): string => {
  try {
    const noted: unknown = JSON.parse(readFileSync(new URL('../../native/build/result.json', import.meta.url), 'utf8'));
    const { compiler, why } = noted as { readonly compiler?: string; readonly why?: string };
    return compiler === undefined ? (why ?? 'the native kernel was not built') : `${BUILT} ${compiler}`;
  } catch {
    return `the native kernel was not built; ${REMEDY}`;
  }
};
