/** The reader against tshark, on real captures and on one that holds everything at once. */
import { execFile, execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, describe, expect, test } from 'vitest';
import { CaptureReader } from '../../../src/ingest/capture/capture-reader.ts';
import { type Extension, LINK_TYPES, type Link, pcapngFile, tcpPacket, udpPacket } from '../../support/pcap-file.ts';

const hasTshark = ((): boolean => {
  try {
    execFileSync('tshark', ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
})();

const folder = mkdtempSync(join(tmpdir(), 'record-call-tshark-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

type Row = { atUs: number; source: string; target: string; ports: string; payloadBytes: number };
type OurRow = Row & { cut: boolean };

/** Fragments stay apart, and what an ICMP message quotes is no datagram, as in the reader. */
const tsharkRows = async (path: string, protocol: 'udp' | 'tcp'): Promise<Row[]> => {
  const whole = 'not icmp and not icmpv6 and not ip.flags.mf == 1 and not ip.frag_offset > 0';
  const carries = protocol === 'udp' ? 'udp' : '(tcp.len > 0 or tcp.flags.syn == 1)';
  const length = protocol === 'udp' ? 'udp.length' : 'tcp.len';
  const fields = [
    'frame.time_epoch',
    'ip.src',
    'ipv6.src',
    'ip.dst',
    'ipv6.dst',
    `${protocol}.srcport`,
    `${protocol}.dstport`,
    length,
  ];
  const { stdout } = await promisify(execFile)(
    'tshark',
    [
      ...['-r', path, '-n', '-Y', `${carries} and ${whole}`],
      ...['-o', 'ip.defragment:FALSE', '-o', 'ipv6.defragment:FALSE'],
      ...['-T', 'fields', '-E', 'occurrence=f', ...fields.flatMap((field) => ['-e', field])],
    ],
    { maxBuffer: 1 << 28 },
  );
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [time, source4, source6, target4, target6, sourcePort, targetPort, bytes] = line.split('\t');
      const [seconds, fraction] = time!.split('.');
      return {
        atUs: Number(seconds) * 1e6 + Number(fraction) / 1000,
        source: source4 || source6!,
        target: target4 || target6!,
        ports: `${sourcePort} > ${targetPort}`,
        payloadBytes: Number(bytes) - (protocol === 'udp' ? 8 : 0),
      };
    });
};

const ourRows = async (path: string, protocol: 'udp' | 'tcp'): Promise<{ rows: OurRow[]; warnings: string[] }> => {
  const reader = new CaptureReader(path);
  const rows: OurRow[] = [];
  for await (const batch of reader.batches()) {
    for (const { atUs, source, sourcePort, target, targetPort, payload, cut, ...rest } of batch) {
      if (rest.protocol !== protocol) continue;
      rows.push({ atUs, source, target, ports: `${sourcePort} > ${targetPort}`, payloadBytes: payload.length, cut });
    }
  }
  return { rows, warnings: reader.report.warnings };
};

/** tshark tells the length that the header claims: of a datagram we call cut, less is there. */
const expectSame = (ours: readonly OurRow[], theirs: readonly Row[]): void => {
  expect(ours.map(({ payloadBytes: _, cut: __, ...row }) => row)).toEqual(
    theirs.map(({ payloadBytes: _, ...row }) => row),
  );
  for (const [index, { payloadBytes, cut }] of ours.entries()) {
    if (cut) expect(payloadBytes).toBeLessThan(theirs[index]!.payloadBytes);
    else expect(payloadBytes).toBe(theirs[index]!.payloadBytes);
  }
};

describe.skipIf(!hasTshark)('tshark sees the same datagrams', () => {
  const shared = new URL('../../../../shared/captures', import.meta.url).pathname;
  const captures = existsSync(shared)
    ? readdirSync(shared, { recursive: true, encoding: 'utf8' }).filter((name) => /\.pcap(ng)?$/.test(name))
    : [];

  test.skipIf(captures.length === 0)('the folder of real captures holds what it should', () => {
    expect(captures.length).toBeGreaterThanOrEqual(20);
  });

  for (const name of captures) {
    test(`${basename(name)}`, async () => {
      const path = join(shared, name);
      const [theirs, ours] = await Promise.all([tsharkRows(path, 'udp'), ourRows(path, 'udp')]);
      expectSame(ours.rows, theirs);
      expect(theirs.length).toBeGreaterThan(0);
    });
  }

  test('every link layer, both families, extensions, tags, options and fragments in one file of two byte orders', async () => {
    const links = Object.keys(LINK_TYPES) as Link[];
    const ends = [
      { source: '192.0.2.1', sourcePort: 4000, target: '198.51.100.2', targetPort: 5000 },
      { source: '2001:db8::1:0:0:1', sourcePort: 40_000, target: 'fe80::ffff:1', targetPort: 50_001 },
    ];
    const chain: Extension[] = ['hop-by-hop', 'destination', 'routing', 'fragment', 'ah', 'destination'];
    const packets = links.flatMap((link, interfaceId) =>
      ends.flatMap((end, family) =>
        [
          udpPacket({ ...end, link, payload: Buffer.alloc(interfaceId) }),
          udpPacket({ ...end, link, payload: Buffer.alloc(99), extensions: chain, ipOptions: Buffer.alloc(8, 1) }),
          ...[0, 64].map((offset) =>
            udpPacket({ ...end, link, payload: Buffer.alloc(100), fragment: { id: interfaceId, offset, length: 64 } }),
          ),
          tcpPacket({ ...end, link, payload: Buffer.alloc(33), sequence: 1, tcpOptions: Buffer.alloc(12, 1) }),
          tcpPacket({ ...end, link, payload: Buffer.alloc(0), syn: true }),
          tcpPacket({ ...end, link, payload: Buffer.alloc(0) }),
          udpPacket({ ...end, link, payload: Buffer.alloc(7), trailer: Buffer.alloc(9) }),
        ].map((data, index) => ({
          data,
          interfaceId,
          atUs: 1_700_000_000_000_000 + interfaceId * 1e6 + family * 1000 + index * 0.25,
        })),
      ),
    );
    const interfaces = links.map((link, index) => ({
      linkType: LINK_TYPES[link],
      ...(index % 2 ? { tsresol: 9, tsoffset: 1000 * index } : {}),
    }));
    const path = join(folder, 'everything.pcapng');
    const sections = [false, true].map((bigEndian) => pcapngFile(packets, { bigEndian, interfaces }));
    writeFileSync(path, Buffer.concat(sections));
    for (const protocol of ['udp', 'tcp'] as const) {
      const [theirs, ours] = await Promise.all([tsharkRows(path, protocol), ourRows(path, protocol)]);
      // tshark shows the first IPv6 fragment as the datagram it begins; it has no field for "more follow" in common with IPv4.
      const whole = theirs.filter(({ payloadBytes }) => payloadBytes !== 100);
      expectSame(ours.rows, whole);
      expect(whole).toHaveLength(2 * 2 * links.length * (protocol === 'udp' ? 3 : 2));
      expect(ours.warnings).toHaveLength(1);
      expect(ours.warnings[0]).toContain(
        `IP fragments left out, as they are not put together: ${2 * 4 * links.length},`,
      );
    }
  });
});
