import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { foreignFormat } from '../../../src/finalize/ffmpeg/foreign-format.ts';
import { OGG_FIRST_PAGE, oggPage } from '../../../src/finalize/ffmpeg/ogg-page.ts';
import { SampleSchedule } from '../../../src/finalize/ffmpeg/sample-schedule.ts';
import { codecFor } from '../../../src/media/codecs/registry.ts';
import type { WireCodec } from '../../../src/media/wire-codec.ts';

const wire = (name: string, clockRate = 8000, fmtp?: string): WireCodec => ({
  name,
  clockRate,
  channels: 1,
  ...(fmtp !== undefined && { fmtp }),
});

const bits = (text: string): Uint8Array => {
  const digits = text.replaceAll(/[^01]/g, '');
  const whole = digits.padEnd(Math.ceil(digits.length / 8) * 8, '0');
  return Uint8Array.from(whole.match(/.{8}/g) ?? [], (byte) => Number.parseInt(byte, 2));
};

/** Units as text: hex of the bytes or `-` for silence, then the samples. */
const shown = (codec: WireCodec, payload: Uint8Array): string[] => {
  const expected = codecFor(codec)!.duration(payload);
  const units = foreignFormat(codec)!.units(payload, expected);
  return units.map(
    ({ bytes, samples }) => `${bytes === undefined ? '-' : Buffer.from(bytes).toString('hex')} ${samples}`,
  );
};

describe('payloads are cut into frames', () => {
  const gsmFrame = `d${'0'.repeat(65)}`;
  for (const { name, codec, payload, units } of [
    {
      name: 'G729, two frames',
      codec: wire('G729'),
      payload: '00112233445566778899aabbccddeeff00112233',
      units: ['00112233445566778899 80', 'aabbccddeeff00112233 80'],
    },
    {
      name: 'G729, a frame and comfort noise',
      codec: wire('G729'),
      payload: '001122334455667788991234',
      units: ['00112233445566778899 80', '- 80'],
    },
    { name: 'G729, comfort noise alone', codec: wire('g729'), payload: '1234', units: ['- 80'] },
    { name: 'G729, cut', codec: wire('G729'), payload: '001122334455', units: [] },
    { name: 'GSM', codec: wire('GSM'), payload: gsmFrame, units: [`${gsmFrame} 160`] },
    {
      name: 'GSM without its signature',
      codec: wire('GSM'),
      payload: `${gsmFrame}${'0'.repeat(66)}`,
      units: [`${gsmFrame} 160`, '- 160'],
    },
    {
      name: 'G723, silence description and the long frame',
      codec: wire('G723'),
      payload: `02000000${'00'.repeat(24)}`,
      units: ['02000000 240', `${'00'.repeat(24)} 240`],
    },
    { name: 'G723 of the reserved size', codec: wire('G723'), payload: '03ffff', units: [] },
    {
      name: 'iLBC, 20 ms though nothing was agreed',
      codec: wire('ILBC'),
      payload: '11'.repeat(38),
      units: [`${'11'.repeat(38)} 160`],
    },
    {
      name: 'iLBC, 30 ms though 20 ms was agreed',
      codec: wire('ILBC', 8000, 'mode=20'),
      payload: '22'.repeat(50),
      units: [`${'22'.repeat(50)} 240`],
    },
    { name: 'iLBC of another length', codec: wire('ILBC'), payload: '33'.repeat(49), units: [] },
    { name: 'G726-32, any bytes', codec: wire('G726-32'), payload: '123456', units: ['123456 6'] },
    { name: 'G726-24, three bytes for eight samples', codec: wire('G726-24'), payload: '123456', units: ['123456 8'] },
    {
      name: 'G726-24 that ends inside a sample, which would shift all that follows',
      codec: wire('G726-24'),
      payload: '12345678',
      units: ['- 10'],
    },
  ]) {
    test(name, () => expect(shown(codec, Buffer.from(payload, 'hex'))).toEqual(units));
  }

  test('iLBC stays in the mode that it began in', () => {
    const format = foreignFormat(wire('ILBC'))!;
    format.units(new Uint8Array(38), 160);
    expect(String(format.preamble())).toBe('#!iLBC20\n');
    expect(format.units(new Uint8Array(50), 240)).toEqual([{ bytes: undefined, samples: 240 }]);
  });

  test('each G726 rate and packing has its own demuxer', () => {
    expect(foreignFormat(wire('G726-40'))?.inputOptions).toEqual(['-f', 'g726le', '-code_size', '5']);
    expect(foreignFormat(wire('aal2-g726-16'))?.inputOptions).toEqual(['-f', 'g726', '-code_size', '2']);
  });
});

describe('AMR (RFC 4867) becomes storage frames', () => {
  const speech = '1010110'.padEnd(95, '01');
  const stored = `04${Buffer.from(bits(speech)).toString('hex')} 160`;
  for (const { name, fmtp, payload, units } of [
    { name: 'octet-aligned', fmtp: 'octet-align=1', payload: `1111 0000  0 0000 1 00 ${speech}`, units: [stored] },
    { name: 'bandwidth-efficient', fmtp: '', payload: `1111  0 0000 1 ${speech}`, units: [stored] },
    {
      name: 'two frames, bandwidth-efficient',
      fmtp: '',
      payload: `1111  1 0000 1 0 0000 1 ${speech}${speech}`,
      units: [stored, stored],
    },
    {
      name: 'a frame that was damaged on its way keeps its mark',
      fmtp: '',
      payload: `1111  0 0000 0 ${speech}`,
      units: [stored.replace(/^04/, '00')],
    },
    {
      name: 'silence description, then speech',
      fmtp: '',
      payload: `1111  1 1000 1 0 0000 1 ${'1'.repeat(39)}${speech}`,
      units: ['- 160', stored],
    },
    { name: 'no data', fmtp: 'octet-align=1', payload: '1111 0000  0 1111 1 00', units: ['- 160'] },
    { name: 'a reserved type', fmtp: '', payload: '1111  0 1100 1', units: [] },
    { name: 'speech cut short', fmtp: '', payload: `1111  0 0000 1 ${speech.slice(0, 60)}`, units: [] },
    {
      name: 'a list without an end',
      fmtp: 'octet-align=1',
      payload: `1111 0000  ${'1 0000 1 00 '.repeat(5)}`,
      units: [],
    },
  ]) {
    test(name, () => expect(shown(wire('AMR', 8000, fmtp), bits(payload))).toEqual(units));
  }
  test('wideband has its own modes', () => {
    const wide = '110'.padEnd(132, '0');
    expect(shown(wire('AMR-WB', 16_000), bits(`1111  0 0000 1 ${wide}`))).toEqual([
      `04${Buffer.from(bits(wide)).toString('hex')} 320`,
    ]);
  });
  for (const fmtp of ['crc=1', 'octet-align=1; robust-sorting=1', 'interleaving=30']) {
    test(`${fmtp} can't be handed to ffmpeg`, () => expect(foreignFormat(wire('AMR', 8000, fmtp))).toBeUndefined());
  }
  test('nor can several channels', () => expect(foreignFormat({ ...wire('AMR'), channels: 2 })).toBeUndefined());
});

test('units never play longer than the payload does, whatever is in it', () => {
  const names = ['G729', 'GSM', 'G723', 'ILBC', 'G726-16', 'G726-24', 'G726-40', 'AMR', 'SPEEX'];
  fc.assert(
    fc.property(fc.constantFrom(...names), fc.uint8Array({ maxLength: 120 }), (name, payload) => {
      const codec = wire(name);
      const expected = codecFor(codec)!.duration(payload);
      const sum = foreignFormat(codec)!
        .units(payload, expected)
        .reduce((total, { samples }) => total + samples, 0);
      expect(sum).toBeLessThanOrEqual(expected);
    }),
    { numRuns: 2000 },
  );
});

describe('an Ogg page (RFC 3533)', () => {
  /** Bit by bit, as the RFC has it. */
  const slowCrc = (bytes: Uint8Array): number => {
    let crc = 0;
    for (const byte of bytes) {
      crc ^= byte << 24;
      for (let bit = 0; bit < 8; bit++) crc = crc < 0 ? (crc << 1) ^ 0x04c1_1db7 : crc << 1;
    }
    return crc >>> 0;
  };
  for (const { length, lacing } of [
    { length: 0, lacing: [0] },
    { length: 254, lacing: [254] },
    { length: 255, lacing: [255, 0] },
    { length: 600, lacing: [255, 255, 90] },
  ]) {
    test(`around ${length} bytes`, () => {
      const packet = Buffer.alloc(length, 7);
      const page = Buffer.from(oggPage(packet, 3, 4_294_967_296 + 5, OGG_FIRST_PAGE));
      expect(page.toString('latin1', 0, 4)).toBe('OggS');
      expect(page[5]).toBe(2);
      expect(page.readBigUInt64LE(6)).toBe(4_294_967_301n);
      expect(page.readUInt32LE(18)).toBe(3);
      expect([...page.subarray(27, 27 + page[26])]).toEqual(lacing);
      expect(page.subarray(27 + lacing.length).equals(packet)).toBe(true);
      const crc = page.readUInt32LE(22);
      page.writeUInt32LE(0, 22);
      expect(slowCrc(page)).toBe(crc);
    });
  }
  test('has an end', () => expect(() => oggPage(new Uint8Array(65_536), 0, 0)).toThrow(RangeError));
});

test('a schedule gives back in order what was added, decoded samples only as far as there are some', () => {
  const steps = fc.array(fc.tuple(fc.boolean(), fc.nat(5), fc.nat(8)), { maxLength: 40 });
  fc.assert(
    fc.property(steps, (list) => {
      const schedule = new SampleSchedule();
      const added: boolean[] = [];
      const taken: boolean[] = [];
      for (const [decoded, samples, available] of list) {
        schedule.add(decoded, samples);
        added.push(...Array<boolean>(samples).fill(decoded));
        for (let left = available, run = schedule.take(left); run !== undefined; run = schedule.take(left)) {
          if (run.decoded) left -= run.samples;
          expect(left).toBeGreaterThanOrEqual(0);
          taken.push(...Array<boolean>(run.samples).fill(run.decoded));
        }
        expect(added[taken.length]).not.toBe(false); // What waits is waiting for the decoder.
      }
      expect(taken).toEqual(added.slice(0, taken.length));
      expect(schedule.samples).toBe(added.length);
    }),
  );
});
