/**
 * Makes `card-payment.pcap` and `card-payment.timeline.json`: a call between two synthetic voices, scripted below. Needs
 * espeak-ng on the PATH; the same espeak-ng gives the same files. Run: npx tsx samples/make-card-payment.ts [FOLDER]
 * FOLDER is where they are written; this one when it is not given.
 */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type CallScenario, callCapture, legPackets, type ScriptedKeys } from '../test/support/call-scenario.ts';
import { mixInto, peak, rms, silence } from '../test/support/tones.ts';

type LegName = 'a' | 'b';
type Say = { readonly leg: LegName; readonly afterMs: number; readonly text: string };
type Type = { readonly afterMs: number; readonly keys: string; readonly action: string };

const say = (leg: LegName, afterMs: number, text: string): Say => ({ leg, afterMs, text });
const type = (afterMs: number, keys: string, action: string): Type => ({ afterMs, keys, action });

/** The call. Only Bob, the agent, types codes. The card number is the one that card schemes publish for tests. */
const SCRIPT: readonly (Say | Type)[] = [
  say('b', 400, 'Harbour Tickets, this is Bob.'),
  say('a', 500, 'Hi Bob. Two seats for Friday, please.'),
  say('b', 500, 'Of course. I will start the recording.'),
  type(300, '*71', 'start'),
  say('b', 700, 'Two seats for Friday. That is forty two pounds.'),
  say('a', 600, 'Lovely. Can I pay by card?'),
  say('b', 500, 'Yes. I will pause the recording for your card.'),
  type(300, '*72', 'mask'),
  say('b', 600, 'What is the card number?'),
  say('a', 600, 'Four one one one. One one one one. One one one one. One one one one.'),
  say('b', 500, 'Expiry date and security code?'),
  say('a', 600, 'Twelve, thirty. And the code is one two three.'),
  type(700, '*73', 'unmask'),
  say('b', 700, 'Thank you. We are recording again, and your payment went through.'),
  say('a', 600, 'That was quick. Please send the tickets by email.'),
  say('b', 500, 'They are on their way. I will stop the recording here.'),
  type(300, '*74', 'stop'),
  say('b', 800, 'Goodbye, Alice.'),
  say('a', 400, 'Goodbye, Bob.'),
];

const VOICES = {
  a: ['-v', 'en-us+f3', '-s', '170', '-p', '55'],
  b: ['-v', 'en-gb+m3', '-s', '170', '-p', '35'],
} as const;

const RATE = 8000;
const ESPEAK_RATE = 22_050;
const FRAME_MS = 20;
const CLOSING_SILENCE_MS = 700;
const KEY_HELD_MS = 120;
const KEY_GAP_MS = 140;
/** Alice's phone sends first; Bob's one frame later. */
const LEG_STARTS_MS = { a: 0, b: FRAME_MS } as const;
const CALL_ID = 'card-payment-sample@192.0.2.11';

/** What espeak-ng says, at its own rate. It writes its WAV to a pipe, so the sizes in the header mean nothing. */
const speak = (leg: LegName, text: string): Int16Array => {
  const wav = execFileSync('espeak-ng', [...VOICES[leg], '--stdout', text], { stdio: ['ignore', 'pipe', 'inherit'] });
  const format = wav.indexOf('fmt ');
  if (wav.readUInt32LE(format + 12) !== ESPEAK_RATE)
    throw new Error(`espeak-ng does not speak at ${ESPEAK_RATE} Hz here`);
  const body = wav.subarray(wav.indexOf('data') + 8);
  return Int16Array.from({ length: Math.floor(body.length / 2) }, (_, n) => body.readInt16LE(2 * n));
};

/** To telephone bandwidth: a windowed sinc that ends at 3.6 kHz. */
const toTelephone = (pcm: Int16Array): Int16Array => {
  const halfWidth = 100;
  const cutoff = (2 * 3600) / ESPEAK_RATE;
  return Int16Array.from({ length: Math.floor((pcm.length * RATE) / ESPEAK_RATE) }, (_, n) => {
    const centre = (n * ESPEAK_RATE) / RATE;
    let sum = 0;
    for (let k = Math.ceil(centre - halfWidth); k <= centre + halfWidth; k++) {
      const x = k - centre;
      const sinc = x === 0 ? cutoff : Math.sin(Math.PI * cutoff * x) / (Math.PI * x);
      const window = 0.5 + 0.5 * Math.cos((Math.PI * x) / halfWidth);
      sum += (pcm[k] ?? 0) * sinc * window;
    }
    return Math.max(-32768, Math.min(32767, Math.round(sum)));
  });
};

/** Without the quiet at either end, at −18 dBFS RMS or with its peak just below full scale, whichever is softer. */
const trimmedAndLevelled = (pcm: Int16Array): Int16Array => {
  const threshold = peak(pcm) / 100;
  const isLoud = (sample: number): boolean => Math.abs(sample) > threshold;
  const speech = pcm.subarray(pcm.findIndex(isLoud), pcm.findLastIndex(isLoud) + 1);
  const gain = Math.min((32768 * 10 ** (-18 / 20)) / rms(speech), 30_000 / peak(speech));
  return speech.map((sample) => Math.round(sample * gain));
};

const onFrame = (ms: number): number => Math.ceil(ms / FRAME_MS) * FRAME_MS;

const legAudio = { a: [] as { startMs: number; pcm: Int16Array }[], b: [] as { startMs: number; pcm: Int16Array }[] };
const typed: ScriptedKeys[] = [];
const utterances: unknown[] = [];
const codes: unknown[] = [];
let positionMs = 0;
for (const step of SCRIPT) {
  const startMs = onFrame(positionMs + step.afterMs);
  if ('text' in step) {
    const pcm = trimmedAndLevelled(toTelephone(speak(step.leg, step.text)));
    const endMs = startMs + Math.ceil((pcm.length * 1000) / RATE);
    legAudio[step.leg].push({ startMs: startMs - LEG_STARTS_MS[step.leg], pcm });
    utterances.push({ leg: step.leg, start_ms: startMs, end_ms: endMs, text: step.text });
    positionMs = endMs;
  } else {
    typed.push({ keys: step.keys, atMs: startMs - LEG_STARTS_MS.b, heldMs: KEY_HELD_MS, gapMs: KEY_GAP_MS });
    const digits = [...step.keys].map((digit, index) => {
      const pressedMs = startMs + index * (KEY_HELD_MS + KEY_GAP_MS);
      return { digit, start_ms: pressedMs, end_ms: pressedMs + KEY_HELD_MS };
    });
    positionMs = digits.at(-1)!.end_ms;
    codes.push({ leg: 'b', keys: step.keys, action: step.action, start_ms: startMs, end_ms: positionMs, digits });
  }
}

const durationMs = onFrame(positionMs + CLOSING_SILENCE_MS);
const wholeLeg = (leg: LegName): Int16Array => {
  const pcm = silence(durationMs, RATE);
  for (const { startMs, pcm: speech } of legAudio[leg]) mixInto(pcm, speech, startMs, RATE);
  return pcm;
};
const call: CallScenario = {
  durationMs,
  legs: {
    a: { pcm: wholeLeg('a'), startMs: LEG_STARTS_MS.a },
    b: { pcm: wholeLeg('b'), startMs: LEG_STARTS_MS.b, typed },
  },
  sip: { callId: CALL_ID },
  jitterMs: 3,
};
const describeLeg = (leg: LegName, name: string): unknown => {
  const packets = legPackets(call.legs[leg], leg, call);
  const events = packets.filter(({ payloadType }) => payloadType === 101).length;
  const ssrc = packets[0]!.ssrc;
  return { name, ssrc, start_ms: LEG_STARTS_MS[leg], packets: packets.length, event_packets: events };
};
const timeline = {
  about:
    'Positions in ms since the first media packet, as sent: arrival is up to 3 ms later. A code acts between the start and the end of its last digit.',
  call_id: CALL_ID,
  duration_ms: durationMs,
  legs: { a: describeLeg('a', 'Alice'), b: describeLeg('b', 'Bob') },
  codes,
  utterances,
};

const folder = process.argv[2] ?? import.meta.dirname;
writeFileSync(join(folder, 'card-payment.pcap'), callCapture(call));
writeFileSync(join(folder, 'card-payment.timeline.json'), `${JSON.stringify(timeline, null, 2)}\n`);
