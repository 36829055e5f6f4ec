import type { LookupAddress } from 'node:dns';
import { inspect } from 'node:util';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { AppError } from '../../src/core/errors.ts';
import { PUBLIC_ONLY, parseAllowList, writeAllowList } from '../../src/deliver/allow-list.ts';
import { guardedLookup, type Resolve } from '../../src/deliver/dialler.ts';
import { isPublic, parseAddress } from '../../src/deliver/public-address.ts';
import { checkUrl, mayDial, type TargetPolicy } from '../../src/deliver/target-address.ts';

const verdict = (url: string, policy: TargetPolicy): string => {
  try {
    checkUrl(url, policy);
    return 'passes';
  } catch (error) {
    if (error instanceof AppError) return error.code;
    throw error;
  }
};

describe('a public literal, or a name, passes', () => {
  for (const url of [
    'http://8.8.8.8/',
    'https://1.1.1.1:8443/in',
    'http://172.15.255.255/',
    'http://172.32.0.1/',
    'http://192.167.255.255/',
    'http://100.63.255.255/',
    'http://100.128.0.1/',
    'http://223.255.255.255/',
    'http://[2606:4700:4700::1111]/',
    'http://[2a00:1450:4001::1]:8080/',
    'http://[::ffff:8.8.8.8]/',
    'http://[64:ff9b::8.8.8.8]/',
    'http://user:word@8.8.8.8/',
    'https://uploads.example.com/in',
    'HTTP://UPLOADS.EXAMPLE.COM',
    'http://bücher.example/',
    'http://127.0.0.1.nip.example/',
    'http://localhost.example.com/',
    'http://notlocalhost/',
  ]) {
    test(url, () => expect(verdict(url, PUBLIC_ONLY)).toBe('passes'));
  }
});

describe('what is not public is refused, however it is written', () => {
  for (const url of [
    'http://127.0.0.1/',
    'http://127.0.0.1:8077/in',
    'http://127.1/',
    'http://127.0.1/',
    'http://2130706433/',
    'http://0x7f000001/',
    'http://0x7f.0x0.0x0.0x1/',
    'http://0x7F.1/',
    'http://017700000001/',
    'http://0177.0.0.1/',
    'http://0177.0x0.1/',
    'http://127.0.0.1./',
    'http://127.000.000.001/',
    'http://%31%32%37.0.0.1/',
    'http://１２７.0.0.1/',
    'http://①②⑦.⓪.⓪.①/',
    'http://127。0。0。1/',
    'http://127.255.255.254/',
    'http://0/',
    'http://0.0.0.0/',
    'http://0.1.2.3/',
    'http://10.0.0.1/',
    'http://10.255.255.255/',
    'http://172.16.0.1/',
    'http://172.31.255.255/',
    'http://192.168.0.1/',
    'http://3232235521/',
    'http://100.64.0.1/',
    'http://100.100.100.200/',
    'http://169.254.169.254/latest/meta-data/',
    'http://0xA9FEA9FE/',
    'http://2852039166/',
    'http://168.63.129.16/',
    'http://192.0.0.192/',
    'http://192.0.2.1/',
    'http://198.18.0.1/',
    'http://198.51.100.1/',
    'http://203.0.113.1/',
    'http://192.88.99.1/',
    'http://224.0.0.1/',
    'http://239.255.255.250/',
    'http://240.0.0.1/',
    'http://255.255.255.255/',
    'http://[::]/',
    'http://[::1]/',
    'http://[0:0:0:0:0:0:0:1]/',
    'http://[::127.0.0.1]/',
    'http://[::8.8.8.8]/',
    'http://[::ffff:127.0.0.1]/',
    'http://[::ffff:7f00:1]/',
    'http://[0:0:0:0:0:ffff:a00:1]/',
    'http://[::ffff:0:127.0.0.1]/',
    'http://[::ffff:169.254.169.254]/',
    'http://[64:ff9b::127.0.0.1]/',
    'http://[64:ff9b::a9fe:a9fe]/',
    'http://[64:ff9b:1::8.8.8.8]/',
    'http://[2002:7f00:1::]/',
    'http://[2002:808:808::1]/',
    'http://[2001:0:4136:e378:8000:63bf:3fff:fdd2]/',
    'http://[2001:db8::1]/',
    'http://[3fff::1]/',
    'http://[fe80::1]/',
    'http://[fec0::1]/',
    'http://[fc00::1]/',
    'http://[fd00:ec2::254]/',
    'http://[fd20:ce::254]/',
    'http://[ff02::1]/',
    'http://[100::1]/',
    'http://[5f00::1]/',
    'http://[4000::1]/',
    'http://localhost/',
    'http://LOCALHOST:8077/',
    'http://localhost./',
    'http://uploads.localhost/',
    'http://public.example@127.0.0.1/',
    'http://8.8.8.8@127.0.0.1/',
    'http://8.8.8.8%40@127.0.0.1/',
    'http://127.0.0.1\\@8.8.8.8/',
    'http://127.0.0.1#@8.8.8.8/',
    'http://127.0.0.1?@8.8.8.8/',
    'http:127.0.0.1',
    'http:/127.0.0.1/',
    'http:\\\\127.0.0.1/',
    'ht\ntp://127.0.0.1/',
    'ftp://8.8.8.8/',
    'ftps://8.8.8.8/',
    'file:///etc/passwd',
    'file://8.8.8.8/share',
    'gopher://8.8.8.8/',
    'javascript:alert(1)',
    'data:text/plain,x',
    'ws://8.8.8.8/',
    '//8.8.8.8/',
    '8.8.8.8',
    'uploads.example.com/in',
    'http://',
    'http://:80/',
    'http://256.256.256.256/',
    'http://[::1/',
    'http://a b/',
    'http://h.example:99999/',
    '',
  ]) {
    test(JSON.stringify(url), () => expect(verdict(url, PUBLIC_ONLY)).toBe('TARGET_FORBIDDEN'));
  }
});

describe('the allow list opens what it names and nothing else', () => {
  for (const { list, url, want } of [
    { list: '127.0.0.1', url: 'http://127.0.0.1:8077/', want: 'passes' },
    { list: '127.0.0.1', url: 'http://2130706433/', want: 'passes' },
    { list: '127.0.0.1', url: 'http://[::ffff:127.0.0.1]/', want: 'passes' },
    { list: '127.0.0.1', url: 'http://127.0.0.2/', want: 'TARGET_FORBIDDEN' },
    { list: '127.0.0.1', url: 'http://[::1]/', want: 'TARGET_FORBIDDEN' },
    { list: '127.0.0.1', url: 'http://localhost/', want: 'passes' },
    { list: '::1', url: 'http://localhost/', want: 'passes' },
    { list: '[::1]', url: 'http://[::1]/', want: 'passes' },
    { list: 'localhost', url: 'http://localhost:8077/', want: 'passes' },
    { list: 'localhost', url: 'http://127.0.0.1/', want: 'TARGET_FORBIDDEN' },
    { list: '10.0.0.0/8', url: 'http://10.200.3.4/', want: 'passes' },
    { list: '10.0.0.0/8', url: 'http://11.0.0.1/', want: 'passes' },
    { list: '10.0.0.0/8', url: 'http://192.168.0.1/', want: 'TARGET_FORBIDDEN' },
    { list: '10.0.0.0/8', url: 'http://[2002:a00:1::]/', want: 'TARGET_FORBIDDEN' },
    { list: '10.0.0.0/8', url: 'http://[64:ff9b::10.0.0.1]/', want: 'TARGET_FORBIDDEN' },
    { list: 'fd00::/8', url: 'http://[fd12::1]/', want: 'passes' },
    { list: 'fd00::/8', url: 'http://[fc12::1]/', want: 'TARGET_FORBIDDEN' },
    { list: ' a.internal , 10.0.0.0/8 ,, 192.168.1.1 ', url: 'http://192.168.1.1/', want: 'passes' },
    { list: '0.0.0.0/0', url: 'http://169.254.169.254/', want: 'passes' },
    { list: '0.0.0.0/0', url: 'ftp://8.8.8.8/', want: 'TARGET_FORBIDDEN' },
    { list: '', url: 'http://10.0.0.1/', want: 'TARGET_FORBIDDEN' },
  ]) {
    test(`"${list}" and ${url}: ${want}`, () => expect(verdict(url, parseAllowList(list))).toBe(want));
  }
});

describe('an allowed name may have any address', () => {
  for (const { list, host, want } of [
    { list: 'uploads.internal', host: 'uploads.internal', want: true },
    { list: 'Uploads.Internal.', host: 'uploads.internal', want: true },
    { list: 'uploads.internal', host: 'UPLOADS.internal.', want: true },
    { list: 'bücher.internal', host: 'xn--bcher-kva.internal', want: true },
    { list: 'uploads.internal', host: 'evil.uploads.internal', want: false },
    { list: 'uploads.internal', host: 'internal', want: false },
    { list: '10.1.0.0/16', host: 'anything.example', want: true },
    { list: '10.2.0.0/16', host: 'anything.example', want: false },
  ]) {
    test(`"${list}" and ${host} at 10.1.2.3: ${want}`, () => {
      expect(mayDial(host, '10.1.2.3', parseAllowList(list))).toBe(want);
    });
  }
});

test('an allow list that is written down is read as the same', () => {
  const list = parseAllowList('Uploads.Example., bücher.example,10.1.2.3,fd00::/8,192.168.0.0/16, ::ffff:10.9.9.9');
  expect(parseAllowList(writeAllowList(list))).toEqual(list);
  expect(parseAllowList(writeAllowList(PUBLIC_ONLY))).toEqual(PUBLIC_ONLY);
});

describe('an entry of the allow list that is nothing is refused by name', () => {
  for (const entry of [
    '10.0.0.0/33',
    'fd00::/129',
    '10.0.0.0/-1',
    '10.0.0.0/',
    '10.0.0/8',
    'http://h.example',
    'h.example:80',
    'h.example/path',
    'a b',
    '*.internal',
    '127.1',
    '0x7f000001',
    '[::1',
    'user@h.example',
  ]) {
    test(JSON.stringify(entry), () => {
      expect(() => parseAllowList(`10.0.0.1,${entry}`)).toThrowError(
        expect.objectContaining({ code: 'CONFIG_INVALID', message: expect.stringContaining(`"${entry}"`) }),
      );
    });
  }
});

describe('for the operator only the scheme is judged', () => {
  for (const { url, want } of [
    { url: 'http://127.0.0.1:8077/', want: 'passes' },
    { url: 'http://localhost/', want: 'passes' },
    { url: 'https://[::1]/', want: 'passes' },
    { url: 'ftp://127.0.0.1/', want: 'TARGET_FORBIDDEN' },
    { url: 'nonsense', want: 'TARGET_FORBIDDEN' },
  ]) {
    test(`${url}: ${want}`, () => expect(verdict(url, 'operator')).toBe(want));
  }
});

test('a refusal repeats neither credentials nor path nor query of the URL', () => {
  for (const url of [
    'http://us3r:w0rd@127.0.0.1/t0ken?s=s3cret',
    'http://us3r:w0rd@[bad/t0ken?s=s3cret',
    'ftp://us3r:w0rd@h.example/t0ken?s=s3cret',
    'http://us3r:w0rd@localhost/t0ken?s=s3cret',
  ]) {
    const caught = (() => {
      try {
        return checkUrl(url, PUBLIC_ONLY);
      } catch (error) {
        return error;
      }
    })();
    expect(caught).toBeInstanceOf(AppError);
    expect(inspect(caught, { depth: 9, showHidden: true })).not.toMatch(/us3r|w0rd|t0ken|s3cret/);
  }
});

test('no IPv4 address becomes public by being wrapped into IPv6', () => {
  const wrap = (hex: string, dotted: string) => [
    `::ffff:${dotted}`,
    `::${dotted}`,
    `64:ff9b::${dotted}`,
    `::ffff:0:${dotted}`,
    `2002:${hex}::`,
  ];
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 4, maxLength: 4 }), ([a = 0, b = 0, c = 0, d = 0]) => {
      const dotted = `${a}.${b}.${c}.${d}`;
      const hex = `${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`;
      fc.pre(!isPublic(parseAddress(dotted)!));
      for (const text of wrap(hex, dotted)) expect([text, isPublic(parseAddress(text)!)]).toEqual([text, false]);
    }),
  );
});

describe('a name is judged by the addresses that would be dialled', () => {
  const look = (resolve: Resolve, policy: TargetPolicy, options: { all?: boolean; family?: number }) =>
    new Promise<unknown>((settle) => {
      guardedLookup(policy, resolve)('name.example', options, (error, address: string | LookupAddress[], family) =>
        settle(
          error ? ('code' in error ? error.code : error) : typeof address === 'string' ? [address, family] : address,
        ),
      );
    });
  const four = (address: string) => ({ address, family: 4 });
  const six = (address: string) => ({ address, family: 6 });

  for (const { name, found, policy = PUBLIC_ONLY, options = { all: true }, want } of [
    {
      name: 'public addresses pass',
      found: [four('8.8.8.8'), six('2606::1')],
      want: [four('8.8.8.8'), six('2606::1')],
    },
    { name: 'a private address is refused', found: [four('10.0.0.1')], want: 'TARGET_FORBIDDEN' },
    {
      name: 'of a mixture only the public ones are dialled',
      found: [four('10.0.0.1'), four('8.8.8.8')],
      want: [four('8.8.8.8')],
    },
    { name: 'one address is asked for', found: [four('10.0.0.1'), four('8.8.8.8')], options: {}, want: ['8.8.8.8', 4] },
    {
      name: 'a family is asked for',
      found: [six('2606::1'), four('8.8.8.8')],
      options: { family: 4 },
      want: ['8.8.8.8', 4],
    },
    { name: 'a scoped link-local address is refused', found: [six('fe80::1%eth0')], want: 'TARGET_FORBIDDEN' },
    { name: 'rubbish from the resolver is refused', found: [four('0x8.8.8.8')], want: 'TARGET_FORBIDDEN' },
    { name: 'no address at all is not found', found: [], want: 'ENOTFOUND' },
    {
      name: 'the operator may go anywhere',
      found: [four('10.0.0.1')],
      policy: 'operator' as const,
      want: [four('10.0.0.1')],
    },
    {
      name: 'an allowed network passes',
      found: [four('10.0.0.1')],
      policy: parseAllowList('10.0.0.0/8'),
      want: [four('10.0.0.1')],
    },
    {
      name: 'an allowed name passes',
      found: [four('10.0.0.1')],
      policy: parseAllowList('name.example'),
      want: [four('10.0.0.1')],
    },
  ]) {
    test(name, async () => expect(await look(async () => found, policy, options)).toEqual(want));
  }

  test('what the resolver throws is passed on', async () => {
    const resolve = async () => {
      throw Object.assign(new Error('try later'), { code: 'EAI_AGAIN' });
    };
    expect(await look(resolve, PUBLIC_ONLY, { all: true })).toBe('EAI_AGAIN');
  });
});
