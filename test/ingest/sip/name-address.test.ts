import { describe, expect, test } from 'vitest';
import { parseNameAddress } from '../../../src/ingest/sip/name-address.ts';

describe('parseNameAddress', () => {
  for (const { value, name = '', address, number = '', tag = '' } of [
    {
      value: '"Ann" <sip:+4570123456@example.net;user=phone>;tag=9f',
      name: 'Ann',
      address: '+4570123456@example.net',
      number: '+4570123456',
      tag: '9f',
    },
    {
      value: 'Bob Smith <sips:bob@example.org:5061;transport=tcp?X=y>;x=1;TAG = q',
      name: 'Bob Smith',
      address: 'bob@example.org',
      tag: 'q',
    },
    { value: 'sip:1001@10.0.0.1:5060;tag=t1', address: '1001@10.0.0.1', number: '1001', tag: 't1' },
    {
      value: '"<sip:eve@evil>;tag=x \\"q\\"" <sip:a@b>;tag=y',
      name: '<sip:eve@evil>;tag=x "q"',
      address: 'a@b',
      tag: 'y',
    },
    { value: '<sip:(070)-123.456@x>', address: '(070)-123.456@x', number: '070123456' },
    {
      value: '<tel:+358-555-1234567;phone-context=x>;tag=z',
      address: '+358-555-1234567',
      number: '+3585551234567',
      tag: 'z',
    },
    { value: '<sip:*97@pbx>', address: '*97@pbx', number: '*97' },
    { value: '<sip:alice:secret@example.net>', address: 'alice@example.net' },
    { value: '<sip:%2B4512345678@example.net>', address: '+4512345678@example.net', number: '+4512345678' },
    { value: '<sip:100%@example.net>', address: '100%@example.net' },
    { value: '<sip:ann@[2001:db8::1]:5060>', address: 'ann@[2001:db8::1]' },
    { value: '<sip:example.net>', address: 'example.net' },
    { value: '<urn:service:sos>', address: 'urn:service:sos' },
    { value: '"never closed <sip:a@b>;tag=c', name: 'never closed', address: 'a@b', tag: 'c' },
    { value: '<sip:a@b', address: 'a@b' },
    {
      value: 'Anonymous <sip:anonymous@anonymous.invalid>;tag=k',
      name: 'Anonymous',
      address: 'anonymous@anonymous.invalid',
      tag: 'k',
    },
    { value: '', address: '' },
    { value: '<>;tag=', address: '' },
  ]) {
    test(`${value || '(nothing)'} → ${address} ${number}`, () => {
      expect(parseNameAddress(value)).toEqual({ party: { name, address, number }, tag });
    });
  }

  // Digits dialled after the call is up may be a card number: they appear nowhere.
  for (const uri of [
    'sip:5551234;postd=4111111111111111@gw',
    'tel:+15551234;postd=4111111111111111',
    'sip:5551234,,4111111111111111@gw',
    'sip:5551234%2C4111111111111111@gw',
    'sip:555:4111111111111111@gw',
  ]) {
    test(`${uri.slice(0, 16)}… keeps no post-dial digits`, () => {
      expect(JSON.stringify(parseNameAddress(`<${uri}>;tag=1`))).not.toContain('4111');
    });
  }
});
