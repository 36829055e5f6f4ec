/**
 * A whole two-party G.711 call as a capture file: speech or timed tones on either leg, codes typed as telephone-events, SIP
 * around it when wanted. Addresses are those of RFC 5737 for documentation. The same scenario gives the same bytes.
 */
import { encodeAlaw, encodeUlaw } from '../../src/kernel/g711.ts';
import { pcapFile, udpPacket } from './pcap-file.ts';
import { type EventOptions, RtpStream, type StreamOptions, type TimedRtp } from './rtp-stream.ts';
import { type Peer, sipDialog } from './sip-dialog.ts';
import { mixInto, seeded, silence, tone } from './tones.ts';

export const ALICE: Peer = { user: 'alice', name: 'Alice', host: '192.0.2.11', rtpPort: 40000 };
export const BOB: Peer = { user: 'bob', name: 'Bob', host: '192.0.2.22', rtpPort: 50000 };

const RATE = 8000;
const PTIME_MS = 20;
const SIP_PORT = 5060;

export type ScriptedTone = {
  readonly hz: number;
  readonly startMs: number;
  readonly endMs: number;
  readonly dbfs?: number;
};

/** A code typed on a phone: key after key, each in place of that leg's audio. */
export type ScriptedKeys = {
  readonly keys: string;
  /** When the first packet of the first key leaves, on the leg's clock; a multiple of 20, as the phone's clock ticks. */
  readonly atMs: number;
  /** How long each key is held. */
  readonly heldMs?: number;
  /** From the end of a key to the start of the next: at least 60, while the end packets are sent. */
  readonly gapMs?: number;
  readonly event?: Omit<EventOptions, 'digit' | 'durationMs' | 'atUs' | 'clockRate'>;
};

export type LegScript = {
  /** 8 kHz from the leg's first packet on; silence when it is over before the call. */
  readonly pcm?: Int16Array;
  /** Added to `pcm`. */
  readonly tones?: readonly ScriptedTone[];
  readonly typed?: readonly ScriptedKeys[];
  /** When the leg's first packet leaves, after the call's start. */
  readonly startMs?: number;
  readonly stream?: Partial<Omit<StreamOptions, 'startUs' | 'clockRate' | 'ptimeMs'>>;
};

export type CallScenario = {
  readonly durationMs: number;
  readonly legs: { readonly a: LegScript; readonly b: LegScript };
  /** When the first media packet leaves, µs since the epoch. */
  readonly startUs?: number;
  readonly codec?: 'PCMU' | 'PCMA';
  /** Signalling around the media: true, or with a Call-ID of your own. */
  readonly sip?: boolean | { readonly callId: string };
  /** Largest delay of a packet on its way, spread evenly and repeatably over 0–`jitterMs`; the first packet has none. */
  readonly jitterMs?: number;
};

/** What a capture at the middle of the wire sees, in order. */
export type ScenarioDatagram = {
  readonly atUs: number;
  readonly source: string;
  readonly sourcePort: number;
  readonly target: string;
  readonly targetPort: number;
  readonly payload: Buffer;
};

const CODECS = {
  PCMU: { payloadType: 0, encode: encodeUlaw },
  PCMA: { payloadType: 8, encode: encodeAlaw },
} as const;

export const DEFAULT_START_US = Date.UTC(2026, 0, 15, 9, 30) * 1000;

/** What one leg sends, before the network delays it. */
export const legPackets = (script: LegScript, leg: 'a' | 'b', call: CallScenario): readonly TimedRtp[] => {
  const { payloadType, encode } = CODECS[call.codec ?? 'PCMU'];
  const startMs = script.startMs ?? 0;
  const lengthMs = call.durationMs - startMs;
  const pcm = silence(lengthMs, RATE);
  if (script.pcm !== undefined) mixInto(pcm, script.pcm, 0, RATE);
  for (const { hz, startMs: from, endMs, dbfs } of script.tones ?? []) {
    mixInto(pcm, tone(hz, endMs - from, RATE, dbfs), from, RATE);
  }
  const stream = new RtpStream({
    ssrc: leg === 'a' ? 0x0a11ce01 : 0x00b0b001,
    sequence: leg === 'a' ? 1000 : 64000,
    timestamp: leg === 'a' ? 160_000 : 0xfffe_0000,
    ...script.stream,
    payloadType,
    ptimeMs: PTIME_MS,
    startUs: (call.startUs ?? DEFAULT_START_US) + startMs * 1000,
  });
  const presses = (script.typed ?? [])
    .flatMap(({ keys, atMs, heldMs = 100, gapMs = 100, event }) =>
      [...keys].map((digit, index) => ({ digit, heldMs, event, atMs: atMs + index * (heldMs + gapMs) })),
    )
    .sort((left, right) => left.atMs - right.atMs);
  const frame = new Uint8Array((RATE * PTIME_MS) / 1000);
  while (stream.positionMs + PTIME_MS <= lengthMs) {
    const press = presses[0];
    if (press !== undefined && press.atMs <= stream.positionMs) {
      if (press.atMs < stream.positionMs) throw new RangeError(`a key at ${press.atMs} ms is typed before it can be`);
      presses.shift();
      stream.digit(press.digit, { ...press.event, durationMs: press.heldMs });
      continue;
    }
    const first = (stream.positionMs * RATE) / 1000;
    encode(pcm.subarray(first, first + frame.length), frame);
    stream.audio(frame.slice());
  }
  return stream.packets();
};

/** Every datagram of the call: signalling and both legs, delayed and in the order the capture has them. */
export const callDatagrams = (call: CallScenario): ScenarioDatagram[] => {
  const startUs = call.startUs ?? DEFAULT_START_US;
  const datagrams: ScenarioDatagram[] = [];
  let endUs = startUs;
  for (const [leg, from, to, seed] of [
    ['a', ALICE, BOB, 1],
    ['b', BOB, ALICE, 2],
  ] as const) {
    const random = seeded(seed);
    let arrivedUs = 0;
    for (const { atUs, data } of legPackets(call.legs[leg], leg, call)) {
      const delayUs = atUs === startUs ? 0 : Math.round(random() * (call.jitterMs ?? 0) * 1000);
      arrivedUs = Math.max(arrivedUs, atUs + delayUs); // A queue on the way delays, and never overtakes.
      endUs = Math.max(endUs, arrivedUs);
      const path = { source: from.host, sourcePort: from.rtpPort, target: to.host, targetPort: to.rtpPort };
      datagrams.push({ ...path, atUs: arrivedUs, payload: data });
    }
  }
  if (call.sip !== undefined && call.sip !== false) {
    const callId = call.sip === true ? 'scenario-1@192.0.2.11' : call.sip.callId;
    const { payloadType } = CODECS[call.codec ?? 'PCMU'];
    const codecs = new Map([
      [payloadType, `${call.codec ?? 'PCMU'}/8000`],
      [101, 'telephone-event/8000'],
    ]);
    const messages = sipDialog(
      { callId, caller: ALICE, callee: BOB, codecs, ptimeMs: PTIME_MS, hangsUp: 'caller' },
      {
        inviteUs: startUs - 3_200_000,
        ringingUs: startUs - 3_050_000,
        answerUs: startUs - 40_000,
        byeUs: endUs + 35_000,
      },
    );
    for (const { atUs, from, text } of messages) {
      const [source, target] = from === 'caller' ? [ALICE.host, BOB.host] : [BOB.host, ALICE.host];
      const path = { source, sourcePort: SIP_PORT, target, targetPort: SIP_PORT };
      datagrams.push({ ...path, atUs, payload: Buffer.from(text) });
    }
  }
  return datagrams.sort((left, right) => left.atUs - right.atUs);
};

/** The call as a pcap file. */
export const callCapture = (call: CallScenario): Buffer =>
  pcapFile(callDatagrams(call).map((datagram) => ({ atUs: datagram.atUs, data: udpPacket(datagram) })));
