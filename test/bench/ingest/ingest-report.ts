/** The ingest groups as text for people. Pure. */
import { threadsText } from '../live/use-report.ts';
import { columns } from '../table.ts';
import type { CeilingLine, FedLine, IngestLine, IngestResult } from './ingest-result.ts';
import { CALL_PACKETS_PER_SECOND } from './load.ts';

const NONE = '–';
/** Design §7, for people to compare with; nothing fails by them. */
const WANTED = { timesBare: 2, calls: 5000, memoryKib: 64 } as const;
const HEAD = [
  'Taking packets in, from a process that sends',
  ...[
    'µs/packet',
    'spread',
    '× bare',
    '× dgram',
    'calls/core',
    'lost',
    'sender late',
    'MiB',
    'mask p50',
    'p99',
    'journal',
  ],
];

export const ingestReport = (result: IngestResult): string[] => [
  ...(result.lines.length === 0 ? [] : [...lineTable(result.lines), ...threadLines(result.lines), '']),
  ...result.ceilings.map((line) => ceilingText(line, result)),
  ...(result.fed.length === 0 ? [] : [...(result.ceilings.length > 0 ? [''] : []), ...fedTable(result.fed)]),
  ...result.skipped.map(({ what, why }) => `skipped: ${what}: ${why}`),
  ...result.failed.map(({ what, why }) => `failed: ${what}: ${why}`),
  ...(result.lines.length === 0 && result.ceilings.length === 0 ? [] : notes(result)),
];

const lineTable = (lines: readonly IngestLine[]): string[] => {
  const rows: string[][] = [HEAD];
  let heading = '';
  for (const line of lines) {
    const trial = `  ${line.trial}, ${line.packetsPerSecond} packets/s`;
    if (trial !== heading) rows.push([trial]);
    heading = trial;
    const late = Math.max(...line.rounds.map(({ lateMs }) => lateMs));
    const hasPace = line.rounds.every(({ hasKeptPace }) => hasKeptPace);
    rows.push([
      `    ${line.driver}${isRtcpLeftOut(line) ? ' ¹' : ''}${refusedIn(line) > 0 ? ' ⁴' : ''}`,
      line.microsPerPacket.toFixed(2),
      line.rounds.length > 1 ? `${Math.round(100 * line.spread)} %` : NONE,
      times(line.timesBare),
      times(line.timesDgram),
      String(Math.round(1e6 / (line.microsPerPacket * CALL_PACKETS_PER_SECOND))),
      line.lost === 0 ? (isBehind(line) ? '0 ³' : '0') : `${((100 * line.lost) / line.sent).toFixed(2)} %`,
      `${late} ms${hasPace ? '' : ' ²'}`,
      line.memoryBytes === null ? NONE : mebibytes(line.memoryBytes),
      ...(line.mask === null ? [NONE, NONE] : [ms(line.mask.p50), ms(line.mask.p99)]),
      line.journalBytesPerSecond === null ? NONE : `${(line.journalBytesPerSecond / 1e6).toFixed(1)} MB/s`,
    ]);
  }
  return columns(rows);
};

/** Of those that do more than count. */
const threadLines = (lines: readonly IngestLine[]): string[] =>
  lines
    .filter(({ threads, mask }) => threads.length > 0 && mask !== null)
    .map(({ trial, driver, threads }) => `  ${trial}, ${driver}, by thread: ${threadsText(threads)}`);

const isBehind = ({ rounds }: IngestLine): boolean => rounds.some(({ behind }) => behind > 0);

const refusedIn = ({ rounds }: IngestLine): number => rounds.reduce((sum, { masksRefused }) => sum + masksRefused, 0);

const isRtcpLeftOut = ({ rounds, driver }: IngestLine): boolean =>
  !driver.startsWith('bare') && rounds.some(({ hasRtcp }) => !hasRtcp);

const BY = {
  loss: 'more lose packets, fall behind or have masks refused',
  sender: 'or more: the sender can’t keep that pace',
  ladder: 'or more: the end of the ladder',
} as const;

const ceilingText = ({ driver, calls, rounds }: CeilingLine, { isPinned }: IngestResult): string => {
  const each = rounds.map(({ calls: kept, by }) => `${kept} (${BY[by]})`).join(', ');
  const where = isPinned ? 'on one core' : 'with no core of its own';
  return `calls at once with no packet lost, ${driver}, ${where}: ${calls}, wanted ${WANTED.calls}; rounds: ${each}`;
};

const fedTable = (lines: readonly FedLine[]): string[] => [
  ...columns([
    [
      'Live calls fed from memory, one thread',
      'µs/packet',
      'spread',
      'CPU per call',
      'KiB a call',
      'of it heap',
      'for each more',
    ],
    ...lines.map((line) => [
      `    ${line.calls} calls`,
      line.microsPerPacket.toFixed(2),
      line.spread === 0 ? NONE : `${Math.round(100 * line.spread)} %`,
      `${((line.microsPerPacket * CALL_PACKETS_PER_SECOND) / 1e4).toFixed(3)} %`,
      kibibytes(line.bytesPerCall),
      kibibytes(line.heapBytesPerCall),
      line.bytesPerCallMore === null ? NONE : kibibytes(line.bytesPerCallMore),
    ]),
  ]),
  `No sockets; ticks, masks' gate and sealed journals as in the service. Resident memory; wanted ${WANTED.memoryKib} KiB for each more.`,
];

const notes = ({ isPinned, mostReceiveBufferBytes, sender, lines }: IngestResult): string[] => [
  `µs/packet: CPU time of the receiver's process, all threads, after a warm-up; ${isPinned ? 'it has a core, the sender another' : 'it shares its cores with the sender'}; sender: ${sender}.`,
  `× bare: against a C program that only counts what recvmmsg gives every 5 ms (design: ${WANTED.timesBare} at most); × dgram: against the same behind node:dgram. calls/core: what that CPU time comes to.`,
  'to its leg: RtpEndpoint and a leg that counts; calls: two legs, a call, a sealed journal; masks: a tenth of the calls masked or unmasked each second, ms until that is durable.',
  ...(mostReceiveBufferBytes === null ? [] : [`net.core.rmem_max is ${mostReceiveBufferBytes}.`]),
  ...(lines.some(isRtcpLeftOut) ? ['¹ Without sockets for RTCP: the limit of open files.'] : []),
  ...(lines.some(({ rounds }) => rounds.some(({ hasKeptPace }) => !hasKeptPace))
    ? ['² The sender did not keep its pace: the load was less.']
    : []),
  ...(lines.some((line) => line.lost === 0 && isBehind(line)) ? ['³ Some were read only a while later.'] : []),
  ...lines
    .filter((line) => refusedIn(line) > 0)
    .map(
      (line) =>
        `⁴ ${line.trial}, ${line.driver}: ${refusedIn(line)} masks or their ends were not durable in time, and refused.`,
    ),
];

const times = (value: number | null): string => (value === null ? NONE : `${value.toFixed(2)} ×`);
const ms = (value: number): string => `${value.toFixed(1)} ms`;
const mebibytes = (bytes: number): string => String(Math.round(bytes / 2 ** 20));
const kibibytes = (bytes: number): string => (bytes / 1024).toFixed(1);
