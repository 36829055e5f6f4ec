/** What is fuzzed: every parser of what comes from outside, and the native kernel. Each takes any bytes and fails only by an AppError. */

import { parseMetaflowsJson } from '../../src/control/metaflow-document.ts';
import { parseAllowList } from '../../src/deliver/allow-list.ts';
import { parseContentDigest } from '../../src/deliver/content-digest.ts';
import { mp3Start } from '../../src/finalize/decode/mp3-frames.ts';
import { readWavLayout } from '../../src/finalize/decode/wav-layout.ts';
import { parseInfoFrame } from '../../src/finalize/encode/info-tag.ts';
import { parseMp3Frame, silentMp3Frame } from '../../src/finalize/encode/mp3-frame.ts';
import { byteRangeOf } from '../../src/http/byte-range.ts';
import { CaptureReader } from '../../src/ingest/capture/capture-reader.ts';
import { SipFramer } from '../../src/ingest/sip/framer.ts';
import { parseSipMessage } from '../../src/ingest/sip/message.ts';
import { parseSdp } from '../../src/ingest/sip/sdp.ts';
import { answerSdp } from '../../src/ingest/sip/sdp-answer.ts';
import { CODEC_NAMES, codecFor } from '../../src/media/codecs/registry.ts';
import { isRtcp, RtpPacket } from '../../src/media/rtp-packet.ts';
import { TelephoneEventReceiver } from '../../src/media/telephone-event.ts';
import { whole } from '../support/odd-captures.ts';
import { rtpPacket } from '../support/rtp-stream.ts';
import { dialectTargets } from './dialect-targets.ts';
import { journalSeeds, runJournal } from './journal-target.ts';
import { memorySource } from './memory-source.ts';
import { nativeTargets } from './native-targets.ts';
import { METAFLOW_SEEDS, SDP, SIP, textSeeds } from './seeds.ts';

export type FuzzTarget = {
  readonly name: string;
  readonly seeds: readonly Uint8Array[];
  readonly run: (bytes: Uint8Array) => unknown;
};

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('utf8');

const RTP = [
  rtpPacket({ payloadType: 0, sequence: 1, timestamp: 160, ssrc: 7, payload: Buffer.alloc(160, 0xd5) }),
  Buffer.from('b0e5000100000010000000070000000100010001aabbccdd0102030404', 'hex'),
];

const CODECS = CODEC_NAMES.flatMap((name) => {
  const codec = codecFor({
    name,
    clockRate: name === 'OPUS' ? 48_000 : name === 'AMR-WB' ? 16_000 : 8000,
    channels: 1,
  });
  return codec === undefined ? [] : [codec];
});

export const TARGETS: readonly FuzzTarget[] = [
  {
    name: 'RTP and RTCP packets',
    seeds: RTP,
    run: (bytes) => {
      const packet = new RtpPacket();
      for (const shift of [0, 3]) {
        const padded = Buffer.concat([Buffer.alloc(shift, 0xff), bytes, Buffer.alloc(shift, 0xff)]);
        isRtcp(padded, shift, shift + bytes.length);
        if (!packet.parse(padded, shift, shift + bytes.length)) continue;
        if (packet.payloadStart < shift || packet.payloadEnd > shift + bytes.length) throw new Error('outside');
      }
    },
  },
  {
    name: 'payloads of every codec: how long they are, what they carry from before',
    seeds: [Buffer.alloc(160, 1), Buffer.from('fc0102030405', 'hex'), Buffer.from('0b0500a0ff', 'hex')],
    run: (bytes) => {
      for (const codec of CODECS) {
        const ticks = [codec.duration(bytes), codec.reachBack?.(bytes) ?? 0];
        if (!ticks.every((each) => each >= 0 && Number.isFinite(each))) throw new Error(`${codec.wire.name}: ${ticks}`);
      }
    },
  },
  {
    name: 'telephone-events',
    seeds: [Buffer.from('0b0a00a0', 'hex'), Buffer.from('0b8a0320', 'hex'), Buffer.from('0b8affff0c0a00a0', 'hex')],
    run: (bytes) => {
      const receiver = new TelephoneEventReceiver();
      for (let i = 0; i < 5; i++) receiver.push(bytes, (i * 160) >>> 0, i === 0, 7, i * 20_000);
    },
  },
  {
    name: 'captures: pcap, pcapng, gzip, link layers, IP',
    seeds: [whole],
    run: async (bytes) => {
      const reader = new CaptureReader('fuzzed', { source: memorySource(bytes) });
      for await (const batch of reader.batches()) if (batch.length === 0) throw new Error('an empty batch');
    },
  },
  {
    name: 'SIP over TCP, in any pieces',
    seeds: SIP,
    run: (bytes) => {
      const framer = new SipFramer(() => {});
      for (let at = 0; at < bytes.length; at += 7) framer.push(bytes.subarray(at, at + 7), at);
      if (framer.heldBytes > 256 * 1024) throw new Error(`${framer.heldBytes} bytes are held`);
    },
  },
  { name: 'SIP messages', seeds: SIP, run: (bytes) => parseSipMessage(bytes) },
  {
    name: 'SDP offers and answers to them',
    seeds: SDP,
    run: (bytes) => {
      parseSdp(text(bytes));
      answerSdp(text(bytes), { host: '127.0.0.1', port: 30_000, sessionId: 1 });
    },
  },
  { name: 'metaflow documents', seeds: METAFLOW_SEEDS, run: (bytes) => parseMetaflowsJson(text(bytes), 'fuzzed') },
  { name: 'journals, as they are and sealed', seeds: journalSeeds, run: runJournal },
  {
    name: 'mp3 frames and tags',
    seeds: [silentMp3Frame(8000, 2, 48, 156), silentMp3Frame(48_000, 1, 80, 156)],
    run: (bytes) => {
      parseInfoFrame(bytes);
      for (let at = mp3Start(bytes); at < bytes.length; ) {
        const frame = parseMp3Frame(bytes, at);
        if (frame === undefined) return;
        if (frame.bytes <= 0) throw new Error('a frame of no bytes');
        at += frame.bytes;
      }
    },
  },
  {
    name: 'wav headers',
    seeds: [
      Buffer.from(
        '524946462c00000057415645666d7420100000000100020040 1f0000007d0000040010006461746108000000'.replace(' ', ''),
        'hex',
      ),
    ],
    run: (bytes) =>
      readWavLayout(async (position, length) => Buffer.from(bytes.subarray(position, position + length)), bytes.length),
  },
  {
    name: 'header fields: ranges, digests, allow lists',
    seeds: textSeeds(
      'bytes=0-499',
      'bytes=-5',
      'sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:',
      '10.0.0.0/8, a.b',
    ),
    run: (bytes) => {
      byteRangeOf(text(bytes), { bytes: 1000, etag: '"x"' }, text(bytes));
      parseContentDigest(text(bytes));
      parseAllowList(text(bytes));
    },
  },
  ...dialectTargets,
  ...nativeTargets,
];
