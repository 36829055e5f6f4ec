/** Every trial there is, as data. */
import { ffmpegTo, lameTo, recordCallTo, soxTo } from './commands.ts';
import type { LoopOptions } from './loops/loop.ts';
import type { LoopDriver, Row, Trial } from './trial.ts';

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

export const TRIALS: readonly Trial[] = [
  {
    group: 'whole',
    name: 'to wav',
    call: 'long',
    makes: 'wav',
    yardstick: 'ffmpeg',
    drivers: [recordCallTo('wav'), ffmpegTo('wav'), soxTo('wav')],
  },
  {
    group: 'whole',
    name: 'to wav, leg b drifts 50 ppm',
    call: 'drifting',
    makes: 'wav',
    drivers: [recordCallTo('wav')],
  },
  {
    group: 'whole',
    name: 'to mp3',
    call: 'long',
    makes: 'mp3',
    yardstick: 'ffmpeg',
    drivers: [recordCallTo('mp3', 'lamejs'), recordCallTo('mp3', 'ffmpeg'), ffmpegTo('mp3'), lameTo(), soxTo('mp3')],
  },
  { group: 'whole', name: 'to wav', call: 'short', makes: 'wav', drivers: [recordCallTo('wav')] },
  { group: 'whole', name: 'to mp3', call: 'short', makes: 'mp3', drivers: [recordCallTo('mp3', 'lamejs')] },
  { group: 'whole', name: 'to wav', call: 'day', makes: 'wav', long: true, drivers: [recordCallTo('wav')] },
  {
    group: 'encode',
    name: 'to mp3',
    call: 'short',
    yardstick: 'bare lamejs',
    drivers: [
      encoder('LameEncoder', { encoder: 'lamejs' }, { goal: 0.9 }),
      encoder('FfmpegEncoder', { encoder: 'ffmpeg' }, { needs: 'ffmpeg with libmp3lame' }),
      encoder('bare lamejs', undefined, { loop: 'bare-lamejs' }),
    ],
  },
  { group: 'encode', name: 'to wav', call: 'short', drivers: [encoder('WavEncoder', { encoder: 'wav' })] },
  { group: 'stages', name: 'to wav', call: 'long', drivers: [STAGES] },
  { group: 'stages', name: 'to wav, leg b drifts 50 ppm', call: 'drifting', drivers: [STAGES] },
  { group: 'stages', name: 'to wav, no time limit', call: 'day', long: true, drivers: [STAGES] },
  {
    group: 'parts',
    name: 'taking packets in',
    call: 'short',
    drivers: [
      { kind: 'loop', name: 'reader', loop: 'capture-read', rows: [packets('packets', 'reading the capture')] },
      { kind: 'loop', name: 'survey', loop: 'survey', rows: [packets('packets', 'Survey.push, capture in memory')] },
      callPackets('no masks'),
      callPackets('masks on and off every 5 s', { toggleEverySeconds: 5 }),
      callPackets('audible keys redacted', { redactTones: true }),
      {
        kind: 'loop',
        name: 'journal',
        loop: 'journal-write',
        rows: [
          packets('packets', 'JournalWriter.frame'),
          { key: 'bytes', label: 'JournalWriter.frame, bytes', unit: 'MB' },
        ],
      },
    ],
  },
  {
    group: 'parts',
    name: 'finalizing without encoding',
    call: 'short',
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
    call: 'short',
    drivers: [
      resampler(8000, 16_000, '8 kHz to 16 kHz'),
      resampler(16_000, 8000, '16 kHz to 8 kHz'),
      resampler(48_000, 8000, '48 kHz to 8 kHz'),
      resampler(8000, 8000 * (1 + 50e-6), '8 kHz, a clock 50 ppm off'),
    ],
  },
];
