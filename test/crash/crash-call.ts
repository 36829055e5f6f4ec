/** One call of the load: announced, spoken on, recorded, masked, unmasked, stopped, hung up, as the dice say, until its end or the service's. */
import { systemClock } from '../../src/core/clock.ts';
import type { Envelope, LiveApi } from '../support/live-api.ts';
import { toneOf } from '../support/live-crowd.ts';
import type { Dice } from './dice.ts';
import type { Phase, Phases } from './phases.ts';
import { Speaker, type Speakers } from './speakers.ts';
import type { Asked, Told, ToldMask } from './told.ts';
import { VOICE_CODECS, type VoiceCodec } from './voices.ts';

export type CallOptions = {
  readonly api: LiveApi;
  readonly url: string;
  readonly dice: Dice;
  readonly phases: Phases;
  readonly speakers: Speakers;
  readonly told: Told;
  readonly codecs: Readonly<Record<'a' | 'b', VoiceCodec>>;
  /** Its recording has ended: the finalizer's turn. */
  readonly onEnded: () => void;
  readonly pause: (ms: number) => Promise<void>;
};

/** @param index which of the calls at once it is; each has tones of its own. */
export const newTold = (
  callId: string,
  life: number,
  index: number,
  dice: Dice,
): Pick<CallOptions, 'told' | 'codecs'> => {
  const codecs = { a: dice.of(VOICE_CODECS), b: dice.of(VOICE_CODECS) };
  const told: Told = {
    callId,
    life,
    begins: dice.falls(0.5) ? 'first-frame' : 'command',
    format: dice.falls(0.2) ? 'mp3' : 'wav',
    hz: { a: toneOf(index, 'a'), b: toneOf(index, 'b') },
    codecs: { a: codecs.a.name, b: codecs.b.name },
    announce: {},
    start: {},
    masks: [],
    stop: {},
    hangUp: {},
    lateMs: 0,
    stallMs: 0,
  };
  return { told, codecs };
};

/** The speaker that a call has, for whoever kills the service. */
export type Speaking = { speaker?: Speaker };

/** @throws whatever an answer is wrong with; anything at all when the service is killed. */
export const runCall = async (options: CallOptions, speaking: Speaking): Promise<void> => {
  const { api, url, dice, phases, speakers, told, codecs, pause } = options;
  const { callId: call_id, format } = told;
  const asking = async (asked: Asked, phase: Phase, work: () => Promise<Envelope>): Promise<Envelope> => {
    asked.askedUs = systemClock.now();
    const answer = await phases.during(phase, work());
    asked.answeredUs = systemClock.now();
    asked.recordings = answer.recordings?.length;
    return answer;
  };
  const withCodecs = Object.fromEntries(
    Object.entries(codecs).flatMap(([leg, { payloadType, rtpmap }]) =>
      rtpmap === undefined ? [] : [[leg, { [payloadType]: rtpmap, 101: 'telephone-event/8000' }]],
    ),
  );
  const record_call = { format, url };
  const data = {
    call_id,
    media: { kind: 'rtp', codecs: withCodecs },
    ...(told.begins === 'first-frame' ? { record_call } : {}),
  };
  const { data: call } = await asking(told.announce, 'announce', () => api.ask('PUT', '/calls', { data }));
  const [a, b] = [call.legs.a, call.legs.b];
  const voice = (leg: 'a' | 'b') => ({ codec: codecs[leg], hz: told.hz[leg], port: call.legs[leg].rtp.port });
  const speaker = new Speaker(
    speakers.socket,
    { a: voice('a'), b: voice('b') },
    1 + Math.floor(dice.between(0, 2 ** 31)),
  );
  speaking.speaker = speaker;
  speakers.begin(speaker);
  const leaveRecord = phases.enter('record');
  if (told.begins === 'command') {
    await pause(dice.between(40, 250));
    await asking(told.start, 'start', () => api.act(a.channel_id, 'start_record', record_call));
  }
  await pause(dice.between(150, 500));
  for (let masked = dice.of([0, 1, 1, 1, 2]); masked > 0; masked--) {
    const mask: ToldMask = { on: {}, off: {} };
    told.masks.push(mask);
    await asking(mask.on, 'mask', () => api.act(a.channel_id, 'mask'));
    speaker.secretFromUs = systemClock.now();
    const leaveMasked = phases.enter('masked');
    await pause(dice.between(100, 450));
    speaker.endSecret();
    if (dice.falls(0.15)) break;
    await asking(mask.off, 'unmask', () => api.act(b.channel_id, 'unmask'));
    leaveMasked();
    await pause(dice.between(100, 450));
  }
  if (dice.falls(0.5)) {
    await asking(told.stop, 'stop', () => api.act(b.channel_id, 'stop_record'));
    options.onEnded();
    await pause(dice.between(0, 150));
  }
  speakers.end(speaker);
  told.said = { fromUs: speaker.startUs, toUs: speaker.saidUs };
  told.lateMs = speaker.lateMs;
  leaveRecord();
  if (told.stop.askedUs === undefined) options.onEnded();
  await asking(told.hangUp, 'hang up', async () => (await api.ask('DELETE', `/calls/${call_id}`)).data);
};
