import { expect, test } from 'vitest';
import { isUdptl } from '../../../src/ingest/survey/udptl.ts';

for (const { name, hex, is } of [
  { name: 'a signal without redundancy', hex: '0000 01 06 00 00', is: true },
  { name: 'two redundant packets', hex: '0002 01 06 00 02 01 04 01 02', is: true },
  { name: 'data, with forward error correction', hex: '0102 03 c0 01 80 80 01 01 01 aa', is: true },
  { name: 'a primary packet of 130 bytes', hex: `0003 8082 ${'c0'.repeat(130)} 00 00`, is: true },
  { name: 'nothing', hex: '', is: false },
  { name: 'a length that reaches past the end', hex: '0000 20 06 00 00', is: false },
  { name: 'a redundant packet that is not there', hex: '0002 01 06 00 02 01 04', is: false },
  { name: 'bytes behind the end', hex: '0000 01 06 00 00 00', is: false },
  { name: 'another kind of recovery', hex: '0000 01 06 40 00', is: false },
  { name: 'DNS', hex: '1a2b 0100 0001 0000 0000 0000 03777777 07 6578616d706c65 03 636f6d 00 0001 0001', is: false },
  { name: 'STUN', hex: '0001 0000 2112a442 000102030405060708090a0b', is: false },
]) {
  test(`UDPTL: ${name}${is ? '' : ' is not it'}`, () => {
    expect(isUdptl(Buffer.from(hex.replaceAll(' ', ''), 'hex'))).toBe(is);
  });
}
