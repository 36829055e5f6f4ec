/** The live service, an owner with codes and a target, for media servers that stream to it; and what a scene's recording is held against. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { Manifest } from '../../src/finalize/manifest.ts';
import { listenTo } from './command.ts';
import type { Audio } from './listen.ts';
import { type Envelope, eventually, type LiveApi } from './live-api.ts';
import { metaflowsOf } from './live-call.ts';
import { filesWith, liveFaults } from './live-judge.ts';
import { type LiveService, type LiveTarget, startLiveService, startLiveTarget } from './live-service.ts';
import { MASKED_MS, SceneClock, SECRET_NEEDLES, saidFrom } from './stream-scene.ts';

export type Streamed = { readonly document: Envelope['data']; readonly manifest: Manifest; readonly audio: Audio };

/** What was played, and what came of it. */
export type PlayedCall<T> = Streamed & { readonly clock: SceneClock; readonly end: T };

/** What a code may be late for: a frame, and what the machine was busy with. */
const ACT_MS = 60;
/** Of a recording. */
export const LENGTH_MS = 40;
/** A stream without timestamps that stands still for longer may have been silent, for all that its taker can know: it is played again. */
const STOOD_STILL_MS = 40;
const MOST_TRIES = 4;

export class StreamWorld {
  readonly folder: string;
  readonly service: LiveService;
  readonly target: LiveTarget;
  /** Of the account. */
  readonly key: string;

  private constructor(folder: string, service: LiveService, target: LiveTarget) {
    this.folder = folder;
    this.service = service;
    this.target = target;
    const credentials = JSON.parse(readFileSync(join(folder, 'data', 'credentials.json'), 'utf8'));
    this.key = credentials.api_key;
  }

  static async open(folder: string, env: Readonly<Record<string, string>> = {}): Promise<StreamWorld> {
    const target = await startLiveTarget(join(folder, 'uploads'));
    const service = await startLiveService(join(folder, 'data'), { RECORD_CALL_ENCRYPTION: 'off', ...env });
    await service.api.ask('POST', '/metaflows', { data: metaflowsOf({}) });
    return new StreamWorld(folder, service, target);
  }

  get api(): LiveApi {
    return this.service.api;
  }

  /** Where a server connects to, with the account's key. */
  url(kind: string, query: Readonly<Record<string, string>> = {}): string {
    return this.bareUrl(kind, { token: this.key, ...query });
  }

  /** The same without the key. */
  bareUrl(kind: string, query: Readonly<Record<string, string>> = {}): string {
    const { url, accountId } = this.api;
    const words = new URLSearchParams(query);
    return `${url.replace(/^http/, 'ws')}/v2/accounts/${accountId}/streams/${kind}?${words}`;
  }

  /** A wav of the call, delivered. */
  recordCall(fields: object = {}): string {
    return JSON.stringify({ format: 'wav', url: this.target.url, ...fields });
  }

  /** Plays something as a call of its own, again where this machine stood still meanwhile. @param play a call of that id @returns the steadiest */
  async played<T>(name: string, play: (callId: string, clock: SceneClock) => Promise<T>): Promise<PlayedCall<T>> {
    let best: PlayedCall<T> | undefined;
    for (let tries = 1; ; tries++) {
      const callId = `${name}-${tries}`;
      const clock = new SceneClock();
      clock.start();
      const end = await play(callId, clock);
      const streamed = await this.recorded(callId);
      if (best === undefined || clock.worstLateMs < best.clock.worstLateMs) best = { ...streamed, clock, end };
      if (best.clock.worstLateMs < STOOD_STILL_MS || tries === MOST_TRIES) return best;
    }
  }

  /** The call's one recording, when it is delivered. */
  async recorded(callId: string): Promise<Streamed> {
    const document = await eventually(async () => {
      const own = (await this.api.recordings()).filter(({ call_id }) => call_id === callId);
      expect(own.length).toBeLessThan(2);
      return own.find(({ state }) => state === 'delivered' || state === 'failed');
    }, `the recording of ${callId}`);
    expect(document.state).toBe('delivered');
    const manifest = (await this.api.ask('GET', `/recordings/${document.id}/manifest`)).data as Manifest;
    return { document, manifest, audio: await listenTo(this.target.fileOf(document.id)) };
  }

  /** Everything that is not as the scene was, of a recording that begins with its first frame. */
  sceneFaults({ manifest, audio }: Streamed, clock: SceneClock): string[] {
    const [mask, ...more] = manifest.masks;
    if (mask === undefined || more.length > 0) return [`${manifest.masks.length} masks`];
    const lateMs = clock.worstLateMs;
    const faults = liveFaults(audio, manifest, saidFrom(0), lateMs);
    if (Math.abs(mask.start_ms - MASKED_MS.from) > ACT_MS + lateMs) faults.push(`masked from ${mask.start_ms} ms`);
    if (Math.abs(mask.end_ms - MASKED_MS.to) > ACT_MS + lateMs) faults.push(`masked until ${mask.end_ms} ms`);
    return faults;
  }

  /** Where the secret, or a key that was pressed, has been written to. */
  leaks(): string[] {
    const typed = /\*72|\*73|"digit"|"dtmf":\s*"[0-9*#]/;
    return [
      ...filesWith(this.folder, ...SECRET_NEEDLES),
      ...this.service.logged.filter((line) => typed.test(line)).map((line) => `logged: ${line}`),
    ];
  }

  async close(): Promise<void> {
    await this.service.stop();
    await this.target.close();
  }
}
