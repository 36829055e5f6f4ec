import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type Direction,
  type Endpoint,
  type Network,
  resolveRecordings,
} from '../../src/directory/automatic-recording.ts';
import type { AccountCallRecording, CallRecording } from '../../src/directory/call-recording.ts';

const ON = { enabled: true } as const;
const OFF = { enabled: false } as const;
const endpoint = (...levels: CallRecording[]): Endpoint => ({ levels, ownerId: 'alice' });

type Call = Parameters<typeof resolveRecordings>[1];
const call = (rest: Partial<Call>): Call => ({
  direction: undefined,
  network: 'onnet',
  caller: undefined,
  callee: undefined,
  ...rest,
});
const originsOf = (account: AccountCallRecording, rest: Partial<Call>): string[] =>
  resolveRecordings(account, call(rest)).map(({ origin }) => origin);

const DIRECTIONS = ['any', 'inbound', 'outbound'] as const;
const NETWORKS = ['any', 'onnet', 'offnet'] as const;

describe("the account's recording", () => {
  for (const direction of DIRECTIONS) {
    for (const network of NETWORKS) {
      test(`${direction}.${network} covers what it names and nothing else`, () => {
        const account: AccountCallRecording = { account: { [direction]: { [network]: ON } } };
        const covered = (['inbound', 'outbound'] as const).flatMap((way) =>
          (['onnet', 'offnet'] as const).flatMap((net) => originsOf(account, { direction: way, network: net })),
        );
        const wanted = [
          ['inbound', 'onnet', 'inbound from onnet to account'],
          ['inbound', 'offnet', 'inbound from offnet to account'],
          ['outbound', 'onnet', 'outbound to onnet from account'],
          ['outbound', 'offnet', 'outbound to offnet from account'],
        ].filter(([way, net]) => [way, 'any'].includes(direction) && [net, 'any'].includes(network));
        expect(covered).toEqual(wanted.map(([, , origin]) => origin));
      });
    }
  }

  for (const { name, settings, direction, origins } of [
    {
      name: 'without a direction, inbound is tried first',
      settings: { any: { any: ON } },
      origins: ['inbound from onnet to account'],
    },
    {
      name: 'and outbound after it',
      settings: { inbound: { any: OFF }, any: { any: ON } },
      origins: ['outbound to onnet from account'],
    },
    {
      name: 'a named network counts before a named direction',
      settings: { any: { onnet: ON }, inbound: { any: OFF } },
      direction: 'inbound',
      origins: ['inbound from onnet to account'],
    },
    {
      name: 'both named count before either',
      settings: { any: { onnet: ON }, inbound: { onnet: OFF } },
      direction: 'inbound',
      origins: [],
    },
    {
      name: 'parameters without `enabled` are not enough',
      settings: { any: { any: { format: 'wav' } } },
      direction: 'inbound',
      origins: [],
    },
    { name: 'no settings, no recording', settings: {}, direction: 'inbound', origins: [] },
  ] as { name: string; settings: CallRecording; direction?: Direction; origins: string[] }[]) {
    test(name, () => expect(originsOf({ account: settings }, { direction })).toEqual(origins));
  }

  test("is nobody's, on the caller's leg, with its parameters and its origin", () => {
    const account = { account: { any: { any: { ...ON, format: 'wav', time_limit: 60, mask_mode: 'tone' } } } } as const;
    expect(resolveRecordings(account, call({ direction: 'inbound', network: 'offnet' }))).toEqual([
      {
        fields: { format: 'wav', time_limit: 60, mask_mode: 'tone', origin: 'inbound from offnet to account' },
        origin: 'inbound from offnet to account',
        ownerId: null,
        leg: 'a',
        whose: 'account',
      },
    ]);
  });
});

describe("an endpoint's recording", () => {
  const everything = { any: { any: ON } };

  for (const { direction, network, caller, callee } of [
    { direction: 'inbound', network: 'offnet', caller: 'onnet', callee: 'offnet' },
    { direction: 'inbound', network: 'onnet', caller: 'onnet', callee: 'onnet' },
    { direction: 'outbound', network: 'offnet', caller: 'offnet', callee: 'onnet' },
    { direction: 'outbound', network: 'onnet', caller: 'onnet', callee: 'onnet' },
    { direction: undefined, network: 'offnet', caller: 'offnet', callee: 'offnet' },
  ] as { direction: Direction | undefined; network: Network; caller: Network; callee: Network }[]) {
    test(`of ${direction ?? 'some'} call, ${network}: the caller's goes out to ${caller}, the callee's comes in from ${callee}`, () => {
      const parties = { caller: endpoint(everything), callee: endpoint(everything) };
      expect(originsOf({}, { direction, network, ...parties })).toEqual([
        `outbound to ${caller} from endpoint`,
        `inbound from ${callee} to endpoint`,
      ]);
    });
  }

  test('is on its own leg and its own', () => {
    const bob: Endpoint = { levels: [{ inbound: { any: ON } }], ownerId: 'bob' };
    const alice = endpoint({ outbound: { any: ON } });
    const found = resolveRecordings({ account: { any: { any: ON } } }, call({ caller: alice, callee: bob }));
    expect(found.map(({ whose, leg, ownerId }) => [whose, leg, ownerId])).toEqual([
      ['account', 'a', null],
      ['caller', 'a', 'alice'],
      ['callee', 'b', 'bob'],
    ]);
  });

  test('follows the device before the user before the account, parameter by parameter', () => {
    const account: AccountCallRecording = {
      endpoint: { any: { any: { ...ON, url: 'https://a.example/', time_limit: 9 } } },
    };
    const user: CallRecording = { any: { onnet: { time_limit: 8, format: 'wav' } } };
    const device: CallRecording = { inbound: { any: { format: 'mp3' } } };
    const [found] = resolveRecordings(account, call({ callee: endpoint(device, user) }));
    expect(found!.fields).toEqual({
      url: 'https://a.example/',
      time_limit: 8,
      format: 'mp3',
      origin: 'inbound from onnet to endpoint',
    });
  });

  test('can be switched off, and on, by the more specific level', () => {
    const account: AccountCallRecording = { endpoint: { any: { any: ON } } };
    expect(originsOf(account, { callee: endpoint({}, {}) })).toHaveLength(1);
    expect(originsOf(account, { callee: endpoint({}, { any: { any: OFF } }) })).toEqual([]);
    expect(originsOf(account, { callee: endpoint({ any: { any: ON } }, { any: { any: OFF } }) })).toHaveLength(1);
    // Of the device's any, which is more specific than the account's onnet because it is the device's.
    const onnetOff: AccountCallRecording = { endpoint: { inbound: { onnet: OFF } } };
    expect(originsOf(onnetOff, { callee: endpoint({ any: { any: ON } }) })).toHaveLength(1);
  });

  test('a party from outside has none', () =>
    expect(originsOf({ endpoint: { any: { any: ON } } }, { caller: undefined, callee: undefined })).toEqual([]));

  for (const { format, rate, kept } of [
    { format: 'wav', rate: 12_345, kept: 12_345 },
    { format: 'mp3', rate: 12_345, kept: undefined },
    { format: undefined, rate: 12_345, kept: undefined },
    { format: 'mp3', rate: 16_000, kept: 16_000 },
  ] as const) {
    test(`levels that together ask for ${format ?? 'no format'} at ${rate} Hz get ${kept ?? 'the usual rate'}`, () => {
      const user: CallRecording = { any: { any: { ...ON, record_sample_rate: rate } } };
      const device: CallRecording = { any: { any: format === undefined ? {} : { format } } };
      const [found] = resolveRecordings({}, call({ callee: endpoint(device, user) }));
      expect(found!.fields.record_sample_rate).toBe(kept);
    });
  }

  test('there is at most one of each, whatever the settings are', () => {
    const parameters = fc.record(
      { enabled: fc.boolean(), time_limit: fc.integer({ min: 5, max: 9 }) },
      { requiredKeys: [] },
    );
    const source = fc.record({ any: parameters, onnet: parameters, offnet: parameters }, { requiredKeys: [] });
    const settings = fc.record({ any: source, inbound: source, outbound: source }, { requiredKeys: [] });
    const account = fc.record({ account: settings, endpoint: settings }, { requiredKeys: [] });
    const party = fc.option(fc.array(settings, { maxLength: 2 }), { nil: undefined });
    fc.assert(
      fc.property(
        account,
        party,
        party,
        fc.constantFrom(undefined, 'inbound' as const, 'outbound' as const),
        fc.constantFrom('onnet' as const, 'offnet' as const),
        (of, caller, callee, direction, network) => {
          const parties = { caller: caller && endpoint(...caller), callee: callee && endpoint(...callee) };
          const found = resolveRecordings(of, call({ direction, network, ...parties }));
          const whose = found.map((one) => one.whose);
          expect(new Set(whose).size).toBe(whose.length);
          expect(found.every(({ fields, origin }) => fields.origin === origin && !('enabled' in fields))).toBe(true);
          expect(whose.includes('caller') && caller === undefined).toBe(false);
        },
      ),
    );
  });
});
