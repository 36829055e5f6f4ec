/**
 * Holds the recordings that are there in the end against what their calls were told, and says everything that is wrong: one that is missing or
 * came in two versions, audio that is lost, a mask that was acknowledged and is not there, anything of the secret.
 */
import type { Manifest } from '../../src/finalize/manifest.ts';
import { listenTo } from '../support/command.ts';
import type { Envelope } from '../support/live-api.ts';
import { shortFaults } from '../support/live-judge.ts';
import type { Body } from './keeping-target.ts';
import { type Told, wasBegun } from './told.ts';

/** What may be lost of a recording when its recorder is killed (issue: at most 1 s). */
const LOST_MS = 1000;
/** Where a recording that ended in peace may begin and end beside what was asked: a frame, the answer's way, rounding. */
const NEAR_MS = 150;

const STOOD_STILL_MS = 100;

export type Found = {
  readonly document: Envelope['data'];
  /** Of the call that it is of. */
  readonly told: Told | undefined;
  /** All that the target took of it. */
  readonly bodies: readonly Body[];
  readonly manifest: Manifest | undefined;
};

export const foundFaults = async (found: readonly Found[], told: readonly Told[]): Promise<string[]> => {
  const faults: string[] = [];
  for (const call of told) {
    const own = found.filter((each) => each.told === call);
    if (own.length === 0 && wasBegun(call))
      faults.push(`${call.callId}: its recording is gone, ${JSON.stringify(call)}`);
    if (own.length > 1) faults.push(`${call.callId}: has ${own.length} recordings`);
  }
  for (const each of found) faults.push(...(await faultsOf(each)).map((fault) => `${nameOf(each)}: ${fault}`));
  return faults;
};

const nameOf = ({ document, told }: Found): string =>
  told === undefined ? document.id : `${told.callId} ${told.format} ${told.codecs.a}/${told.codecs.b}`;

const faultsOf = async ({ document, told, bodies, manifest }: Found): Promise<string[]> => {
  if (told === undefined) return ['is of a call that nobody made'];
  // Killed before the first byte of it was on disk: there is nothing, and that is said.
  if (!wasBegun(told) && document.state === 'failed' && document.error?.code === 'JOURNAL_UNREADABLE') return [];
  if (manifest === undefined) return [`is ${document.state}: ${JSON.stringify(document.error)}`];
  if (bodies.length === 0) return ['says that it is delivered, and the target never had it'];
  const faults: string[] = [];
  const digests = new Set([...bodies.map(({ sha256 }) => sha256), manifest.artefact.sha256]);
  if (digests.size > 1) faults.push(`came with ${digests.size} different contents`);
  if (new Set(bodies.map(({ key }) => key)).size > 1) faults.push('came under different idempotency keys');
  faults.push(...timeFaults(manifest, told), ...maskFaults(manifest, told));
  const toMs = msIn(manifest);
  const { fromUs, toUs } = told.said ?? { fromUs: 0, toUs: 0 };
  // What was read late is placed late until something comes in time: then only masks and secrets can be looked for.
  const spans = told.stallMs > STOOD_STILL_MS ? [] : [{ from: toMs(fromUs), to: toMs(toUs) }];
  const said = { a: { hz: told.hz.a, spans }, b: { hz: told.hz.b, spans } };
  faults.push(...shortFaults(await listenTo(bodies[0].path), manifest, said, told.lateMs + told.stallMs));
  return faults;
};

const startUsOf = ({ recording }: Manifest): number => Date.parse(recording.started_at) * 1000;

/** An instant as a position in the recording, ms. */
const msIn = (manifest: Manifest): ((us: number) => number) => {
  const startUs = startUsOf(manifest);
  return (us) => (us - startUs) / 1000;
};

/** Whether it begins and ends where it should. */
const timeFaults = (manifest: Manifest, told: Told): string[] => {
  const faults: string[] = [];
  const toMs = msIn(manifest);
  const { begins, start, stop, hangUp, said, killedUs } = told;
  const slackMs = told.lateMs + told.stallMs;
  const nearMs = NEAR_MS + slackMs;
  const first = begins === 'command' ? start.askedUs : said?.fromUs;
  const firstBy = begins === 'command' ? (start.answeredUs ?? killedUs) : said?.fromUs;
  if (first === undefined || firstBy === undefined || said === undefined) return ['was never asked for'];
  if (toMs(first) > nearMs || toMs(firstBy) < -nearMs)
    faults.push(`begins ${Math.round(-toMs(first))} to ${Math.round(-toMs(firstBy))} ms beside where it should`);
  const lengthMs = manifest.artefact.duration_ms;
  const lastUs = Math.min(killedUs ?? Number.POSITIVE_INFINITY, said.toUs, stop.answeredUs ?? Number.POSITIVE_INFINITY);
  const beyondMs = lengthMs - toMs(lastUs);
  if (beyondMs > nearMs) faults.push(`goes on for ${Math.round(beyondMs)} ms after its end`);
  const missingMs = toMs(Math.min(said.toUs, stop.askedUs ?? Number.POSITIVE_INFINITY)) - lengthMs;
  // A hang-up is answered when all is durable, a stop before.
  const isWhole = hangUp.answeredUs !== undefined || !manifest.recovered;
  if (missingMs > (isWhole ? nearMs : LOST_MS + slackMs))
    faults.push(`lacks ${Math.round(missingMs)} ms at its end (${manifest.recording.end_reason})`);
  return faults;
};

/** Whether every mask that was acknowledged is in it from then until it was asked to end, and none that nobody asked for. */
const maskFaults = (manifest: Manifest, told: Told): string[] => {
  const faults: string[] = [];
  const toMs = msIn(manifest);
  const lengthMs = manifest.artefact.duration_ms;
  const nearMs = NEAR_MS + told.lateMs + told.stallMs;
  const place = (from: number, to: number): string => `${Math.round(from)}–${Math.round(to)} ms of ${lengthMs}`;
  for (const { on, off } of told.masks) {
    if (on.answeredUs === undefined) continue;
    const from = Math.max(0, toMs(on.answeredUs));
    const to = Math.min(lengthMs, off.askedUs === undefined ? Number.POSITIVE_INFINITY : toMs(off.askedUs));
    const isThere = manifest.masks.some(({ start_ms, end_ms }) => start_ms <= from + 1 && end_ms >= to - 1);
    if (from < to && !isThere) faults.push(`the mask of ${place(from, to)} is lost`);
  }
  for (const { start_ms, end_ms } of manifest.masks) {
    const isAsked = told.masks.some(({ on, off }) => {
      const from = toMs(on.askedUs!) - nearMs;
      const to = off.answeredUs === undefined ? Number.POSITIVE_INFINITY : toMs(off.answeredUs) + nearMs;
      return start_ms >= Math.max(0, from) - 1 && end_ms <= to;
    });
    if (!isAsked) faults.push(`nobody asked for the mask of ${place(start_ms, end_ms)}`);
  }
  return faults;
};
