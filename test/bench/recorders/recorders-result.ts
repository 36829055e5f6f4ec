/** The calls that every recorder gets, who asks for them, and what a recorded minute costs each. Pure. */
import { costPerMinute, type PipelineResult, whyNotKept } from '../pipeline/pipeline-result.ts';
import { columns } from '../table.ts';
import type { Makes } from './recorder.ts';

export const PEERS_NAME = 'live recorders';
/** Ours, that others are held against. */
export const SERVICE_NAME = 'record-call serve, one for all';

export type RecordersSize = { readonly calls: number; readonly seconds: number };

export const recordersSize = (quick: boolean): RecordersSize =>
  quick ? { calls: 4, seconds: 3 } : { calls: 40, seconds: 6 };

export type RecorderLine = {
  readonly name: string;
  readonly makes: Makes;
  readonly cpuSeconds: number | null;
  readonly callMinutes: number;
  readonly lateMs: number;
  /** What is wrong with what it made, a sentence each. */
  readonly faults: readonly string[];
};

export type RecordersResult = RecordersSize & {
  readonly lines: readonly RecorderLine[];
  readonly skipped: readonly { readonly what: string; readonly why: string }[];
  readonly failed: readonly { readonly what: string; readonly why: string }[];
};

export const arePeersWanted = ({
  filters,
  only = [],
}: {
  readonly filters: readonly string[];
  readonly only?: readonly string[];
}): boolean => {
  if (only.length > 0 && !only.includes('peers')) return false;
  const names = `peers ${PEERS_NAME} ffmpeg gstreamer rtpengine one for each call wav mp3 pcap record-call serve`;
  return filters.every((filter) => names.includes(filter.toLowerCase()));
};

/** CPU seconds for a recorded minute of a call. */
export const costOf = ({ cpuSeconds, callMinutes }: RecorderLine): number | null =>
  cpuSeconds === null ? null : cpuSeconds / callMinutes;

const NONE = '–';

/**
 * Each against ours that makes the same; who makes no audio against our wav.
 *
 * @param pipeline ours with many more calls: what is the service's own, not a call's, is then hardly anything
 */
export const recordersReport = (
  { calls, seconds, lines, skipped, failed }: RecordersResult,
  pipeline: PipelineResult | null,
): string[] => {
  const ours = (makes: Makes): number | null => {
    const made = makes === 'pcap' ? 'wav' : makes;
    const line = lines.find((each) => each.name === SERVICE_NAME && each.makes === made);
    return line === undefined ? null : costOf(line);
  };
  const rows = lines.map((line) => {
    const [cost, own] = [costOf(line), ours(line.makes)];
    return [
      `    ${line.name}, ${line.makes}`,
      cost === null ? NONE : cost.toFixed(4),
      cost === null || own === null || own === 0 ? NONE : `${(cost / own).toFixed(1)} ×`,
      line.faults.length === 0 ? 'right' : `${line.faults.length} faults: ${line.faults[0]}`,
    ];
  });
  for (const { format, runs } of lines.length === 0 ? [] : (pipeline?.lines ?? [])) {
    const most = runs.filter((run) => whyNotKept(run) === undefined).sort((one, other) => other.calls - one.calls)[0];
    const [cost, own] = [most === undefined ? null : costPerMinute(most), ours(format)];
    if (most === undefined || cost === null) continue;
    const share = own === null || own === 0 ? NONE : `${(cost / own).toFixed(1)} ×`;
    rows.push([
      `    record-call serve, ${most.calls} calls that come and go, ${format}`,
      cost.toFixed(4),
      share,
      'right',
    ]);
  }
  const heading = `Recorders beside ours: ${calls} calls at once for ${seconds} s, two PCMU legs each`;
  return [
    ...(rows.length === 0 ? [] : columns([[heading, 'CPU s a call-minute', 'of ours', 'files'], ...rows])),
    ...(rows.length === 0
      ? []
      : [
          'All of their processes from when they listen to the finished files. rtpengine writes packets, makes no audio, and passes the call on.',
        ]),
    ...skipped.map(({ what, why }) => `skipped: ${what}: ${why}`),
    ...failed.map(({ what, why }) => `failed: ${what}: ${why}`),
  ];
};
