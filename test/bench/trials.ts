/** Every trial there is, as data. */
import { ffmpegTo, lameTo, recordCallTo, soxTo } from './commands.ts';
import type { LoopOptions } from './loops/loop.ts';
import type { LoopDriver, Row, Sound, Trial } from './trial.ts';

const realTime = (key: string, label: string): Row => ({ key, label, unit: 'real time' });
const packets = (key: string, label: string): Row => ({ key, label, unit: 'packets' });

const encoder = (name: string, options: LoopDriver['options'], more: Partial<LoopDriver> = {}): LoopDriver => ({
  kind: 'loop',
  name,
  loop: 'encode',
  ...(options === undefined ? {} : { options }),
  rows: [realTime('encode', name)],
  ...more,
});

const resampler = (fromHz: number, toHz: number, label: string): LoopDriver => ({
  kind: 'loop',
  name: label,
  loop: 'resample',
  options: { fromHz, toHz },
  rows: [realTime('resample', label)],
});

const ACTIONS: Row = { key: 'actions', label: 'mask and unmask, durable', unit: 'actions' };

const STAGES: LoopDriver = {
  kind: 'loop',
  name: 'record-call',
  loop: 'stages',
  rows: [
    realTime('survey', 'survey: read, find the legs'),
    realTime('feed', 'feed: read, judge, journal'),
    realTime('finalize', 'finalize: place, wav'),
  ],
};

const callPackets = (name: string, options: LoopOptions = {}): LoopDriver => ({
  kind: 'loop',
  name,
  loop: 'call-packets',
  options,
  rows: [packets('packets', `Call.packet, ${name}`), ...(options.toggleEverySeconds === undefined ? [] : [ACTIONS])],
});

/** Ours by its native kernel and by its twin, which is all that a machine without a compiler and without other programs has. */
const finalizer = (format: 'wav' | 'mp3', sound: Sound, isNative: boolean): LoopDriver => {
  const name = isNative ? 'native kernel' : 'TypeScript twin';
  return {
    kind: 'loop',
    name,
    loop: 'finalize',
    options: { format, sound, encoder: format === 'wav' ? 'wav' : isNative ? 'libmp3lame' : 'lamejs' },
    rows: [realTime('finalize', name)],
    env: { RECORD_CALL_NATIVE: isNative ? '' : 'off' },
    ...(isNative ? { needs: format === 'mp3' ? 'native libmp3lame' : 'native kernel' } : {}),
    ...(isNative && format === 'mp3' ? { goal: 2 } : {}),
  };
};

const SOUNDS: readonly { readonly sound: Sound; readonly name: string }[] = [
  { sound: { rate: 8000, channels: 1 }, name: '8 kHz mono' },
  { sound: { rate: 8000, channels: 2 }, name: '8 kHz stereo' },
  { sound: { rate: 16_000, channels: 1 }, name: '16 kHz mono' },
  { sound: { rate: 16_000, channels: 2 }, name: '16 kHz stereo' },
];

const FINALIZE: readonly Trial[] = (['wav', 'mp3'] as const).flatMap((format) =>
  SOUNDS.map(({ sound, name }) => ({
    group: 'finalize' as const,
    name: `${format}, ${name}`,
    call: 'brief' as const,
    makes: format,
    sound,
    ...(name === '8 kHz stereo' ? {} : { thorough: true as const, mostRounds: 1 }),
    yardstick: 'ffmpeg',
    drivers: [
      finalizer(format, sound, true),
      finalizer(format, sound, false),
      ffmpegTo(format, sound),
      ...(format === 'mp3' ? [lameTo(sound)] : []),
      soxTo(format, sound),
    ],
  })),
);

/** What is measured once takes long, and a second round would tell nothing else. */
const STOPS: readonly Pick<Trial, 'call' | 'mostRounds' | 'thorough'>[] = [
  { call: 'minute', mostRounds: 1, thorough: true },
  { call: 'short', mostRounds: 1, thorough: true },
  { call: 'long', mostRounds: 1 },
  { call: 'evening', mostRounds: 1, thorough: true },
];

/** Ours, whose finalizer has followed the journal, and what a recording takes that nobody followed. */
export const FOLLOWED = 'followed while it ran';
const UNFOLLOWED = 'finalizing begins at the hang-up';

const stopper = (format: 'wav' | 'mp3', name: typeof FOLLOWED | typeof UNFOLLOWED): LoopDriver => ({
  kind: 'loop',
  name,
  loop: 'stop',
  options: { format, followed: name === FOLLOWED },
  rows: [realTime('stop', `hang-up to ${format}, ${name}`)],
});

const STOP: readonly Trial[] = (['wav', 'mp3'] as const).flatMap((format) =>
  STOPS.map((stop) => ({
    ...stop,
    group: 'stop' as const,
    name: `to ${format}`,
    // Four hours to mp3 that nobody followed take as long as all of the other calls together.
    ...(format === 'mp3' && stop.call === 'evening'
      ? { drivers: [stopper(format, FOLLOWED)] }
      : { yardstick: UNFOLLOWED, drivers: [stopper(format, FOLLOWED), stopper(format, UNFOLLOWED)] }),
  })),
);

const SYNCS: Row = { key: 'actions', label: 'half a second of a call, durable', unit: 'actions' };

const syncing = (name: string, options: LoopOptions): LoopDriver => ({
  kind: 'loop',
  name,
  loop: 'journal-sync',
  options,
  rows: [{ ...SYNCS, label: `durable: ${name}` }],
});

const storming = (count: number): LoopDriver => {
  const name = `${count} journals at once`;
  return {
    kind: 'loop',
    name,
    loop: 'journal-storm',
    options: { count },
    rows: [
      { ...SYNCS, label: `durable: ${name}` },
      { key: 'p50', label: `  one of ${count}: until it is durable, p50`, unit: 'actions' },
      { key: 'p99', label: `  one of ${count}: until it is durable, p99`, unit: 'actions' },
    ],
  };
};

const writing = (name: string, options: LoopOptions = {}): LoopDriver => ({
  kind: 'loop',
  name,
  loop: 'journal-write',
  options,
  rows: [packets('packets', `${name}, frames`), { key: 'bytes', label: `${name}, bytes`, unit: 'MB' }],
});

export const TRIALS: readonly Trial[] = [
  {
    group: 'whole',
    name: 'to wav',
    call: 'long',
    makes: 'wav',
    mostRounds: 2,
    yardstick: 'ffmpeg',
    drivers: [recordCallTo('wav'), ffmpegTo('wav'), soxTo('wav')],
  },
  {
    group: 'whole',
    name: 'to wav, leg b drifts 50 ppm',
    call: 'drifting',
    makes: 'wav',
    mostRounds: 1,
    thorough: true,
    drivers: [recordCallTo('wav')],
  },
  {
    group: 'whole',
    name: 'to mp3',
    call: 'long',
    makes: 'mp3',
    mostRounds: 1,
    yardstick: 'ffmpeg',
    drivers: [recordCallTo('mp3', 'libmp3lame'), ffmpegTo('mp3'), lameTo(), soxTo('mp3')],
  },
  { group: 'whole', name: 'to wav', call: 'short', makes: 'wav', thorough: true, drivers: [recordCallTo('wav')] },
  {
    group: 'whole',
    name: 'to mp3',
    call: 'short',
    makes: 'mp3',
    mostRounds: 1,
    thorough: true,
    drivers: [recordCallTo('mp3', 'libmp3lame'), recordCallTo('mp3', 'ffmpeg'), recordCallTo('mp3', 'lamejs')],
  },
  { group: 'whole', name: 'to wav', call: 'day', makes: 'wav', long: true, drivers: [recordCallTo('wav')] },
  ...FINALIZE,
  ...STOP,
  {
    group: 'encode',
    name: 'to mp3',
    call: 'brief',
    mostRounds: 2,
    yardstick: 'bare lamejs',
    drivers: [
      encoder('LameEncoder', { encoder: 'lamejs' }, { goal: 0.9 }),
      encoder('LameEncoder, libmp3lame', { encoder: 'libmp3lame' }, { needs: 'native libmp3lame' }),
      encoder('FfmpegEncoder', { encoder: 'ffmpeg' }, { needs: 'ffmpeg with libmp3lame' }),
      encoder('bare lamejs', undefined, { loop: 'bare-lamejs' }),
    ],
  },
  {
    group: 'encode',
    name: 'to wav',
    call: 'brief',
    thorough: true,
    drivers: [encoder('WavEncoder', { encoder: 'wav' })],
  },
  { group: 'stages', name: 'to wav', call: 'long', mostRounds: 2, drivers: [STAGES] },
  {
    group: 'stages',
    name: 'to wav, leg b drifts 50 ppm',
    call: 'drifting',
    mostRounds: 1,
    thorough: true,
    drivers: [STAGES],
  },
  { group: 'stages', name: 'to wav, no time limit', call: 'day', long: true, drivers: [STAGES] },
  {
    group: 'parts',
    name: 'taking packets in',
    call: 'short',
    mostRounds: 1,
    drivers: [
      { kind: 'loop', name: 'reader', loop: 'capture-read', rows: [packets('packets', 'reading the capture')] },
      { kind: 'loop', name: 'survey', loop: 'survey', rows: [packets('packets', 'Survey.push, capture in memory')] },
      callPackets('no masks'),
      callPackets('masks on and off every 5 s', { toggleEverySeconds: 5 }),
      callPackets('audible keys redacted', { redactTones: true }),
    ],
  },
  {
    group: 'parts',
    name: 'finalizing without encoding',
    call: 'short',
    mostRounds: 1,
    thorough: true,
    drivers: [
      {
        kind: 'loop',
        name: 'place',
        loop: 'place',
        rows: [realTime('survey', 'first pass over the journal'), realTime('assemble', 'decode and place, both legs')],
      },
    ],
  },
  {
    group: 'parts',
    name: 'resampling one leg',
    call: 'brief',
    mostRounds: 1,
    thorough: true,
    drivers: [
      resampler(8000, 16_000, '8 kHz to 16 kHz'),
      resampler(16_000, 8000, '16 kHz to 8 kHz'),
      resampler(48_000, 8000, '48 kHz to 8 kHz'),
      resampler(8000, 8000 * (1 + 50e-6), '8 kHz, a clock 50 ppm off'),
    ],
  },
  {
    group: 'journal',
    name: 'writing',
    call: 'minute',
    mostRounds: 2,
    yardstick: 'plain',
    drivers: [writing('plain'), writing('sealed', { sealed: true })],
  },
  {
    group: 'journal',
    name: 'many journals, sealed, durable at once',
    call: 'minute',
    mostRounds: 2,
    drivers: [storming(100), storming(1000)],
  },
  {
    group: 'journal',
    name: 'two legs for half a second, durable',
    call: 'minute',
    mostRounds: 2,
    yardstick: 'bare fdatasync',
    drivers: [syncing('plain', {}), syncing('sealed', { sealed: true }), syncing('bare fdatasync', { bare: true })],
  },
];
