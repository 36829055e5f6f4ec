/** The service of the live trial: `dist/cli.js serve` as its own process, on a folder of its own, asked as anybody asks it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Credentials } from '../../../src/app/credentials.ts';
import type { Manifest } from '../../../src/finalize/manifest.ts';
import { cpuSecondsOf, memoryOf } from './process-use.ts';

const CLI = fileURLToPath(new URL('../../../dist/cli.js', import.meta.url));
const KEPT_TEXT = 4000;
const PATIENCE_MS = 60_000;
/** Below the ports that the operating system gives to whoever sends. */
const RTP_PORTS = '20000-23999';

/** CPU seconds so far, of all threads and of the one that takes in media. */
export type Use = { readonly cpuSeconds: number; readonly mainCpuSeconds: number };

export class LiveService {
  readonly #credentials: Credentials;
  readonly #child: ChildProcess;
  readonly #ended: Promise<unknown>;

  /** @param data the folder. @throws Error with what it said when it doesn't start */
  static async start(data: string, signal: AbortSignal): Promise<LiveService> {
    signal.throwIfAborted();
    const env = Object.entries(process.env).filter(([name]) => !name.startsWith('RECORD_CALL_'));
    const child = spawn(process.execPath, [CLI, 'serve'], {
      env: {
        ...Object.fromEntries(env),
        RECORD_CALL_DATA_DIR: data,
        RECORD_CALL_HTTP_PORT: '0',
        RECORD_CALL_RTP_PORTS: RTP_PORTS,
        RECORD_CALL_AUDIOSOCKET_PORT: '0',
        RECORD_CALL_LOG_LEVEL: 'warn',
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let said = '';
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (said = (said + text).slice(-KEPT_TEXT)));
    const ended = new Promise((resolve) => child.once('close', resolve));
    await new Promise<void>((resolve, reject) => {
      child.stdout?.setEncoding('utf8').on('data', (text: string) => text.includes('listens at') && resolve());
      void ended.then(() => reject(new Error(`the service did not start: ${said.trim()}`)));
    });
    const credentials = JSON.parse(await readFile(join(data, 'credentials.json'), 'utf8')) as Credentials;
    return new LiveService(child, ended, credentials);
  }

  private constructor(child: ChildProcess, ended: Promise<unknown>, credentials: Credentials) {
    this.#credentials = credentials;
    this.#child = child;
    this.#ended = ended;
  }

  /** Below the account. @throws Error for an answer that is no success */
  async ask<T>(method: 'GET' | 'PUT' | 'POST' | 'DELETE', path: string, data?: unknown): Promise<T> {
    const { url, api_key, account_id } = this.#credentials;
    const answer = await fetch(`${url}/v2/accounts/${account_id}/${path}`, {
      method,
      headers: { 'x-auth-token': api_key, ...(data === undefined ? {} : { 'content-type': 'application/json' }) },
      ...(data === undefined ? {} : { body: JSON.stringify({ data }) }),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text.slice(0, 300)}`);
    return (JSON.parse(text) as { data: T }).data;
  }

  /** A recording's manifest and audio, as a client gets them: on disk they may be sealed. */
  async recording(id: string): Promise<{ readonly manifest: Manifest; readonly audio: Buffer }> {
    const { url, api_key, account_id } = this.#credentials;
    const answer = await fetch(`${url}/v2/accounts/${account_id}/recordings/${id}`, {
      headers: { 'x-auth-token': api_key, accept: 'audio/*' },
    });
    if (!answer.ok) throw new Error(`the audio of ${id}: ${answer.status}`);
    const audio = Buffer.from(await answer.arrayBuffer());
    return { manifest: await this.ask<Manifest>('GET', `recordings/${id}/manifest`), audio };
  }

  /** `/metrics` by name and labels. Reading it begins a new measurement of the event loop's delay. */
  async metrics(): Promise<ReadonlyMap<string, number>> {
    const { url, api_key } = this.#credentials;
    const answer = await fetch(`${url}/metrics`, { headers: { authorization: `Bearer ${api_key}` } });
    const lines = (await answer.text()).split('\n').filter((line) => line !== '' && !line.startsWith('#'));
    return new Map(lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.split(' ').at(-1))]));
  }

  /** Null where there is no /proc. */
  get use(): Use | null {
    const { pid } = this.#child;
    const cpuSeconds = cpuSecondsOf(`/proc/${pid}`);
    const mainCpuSeconds = cpuSecondsOf(`/proc/${pid}/task/${pid}`);
    return cpuSeconds === null || mainCpuSeconds === null ? null : { cpuSeconds, mainCpuSeconds };
  }

  /** Bytes now, and at most so far. */
  get memory(): { readonly now: number; readonly peak: number } | null {
    return memoryOf(this.#child.pid ?? 0);
  }

  /** As an operator stops it. Resolves when it has ended. */
  async stop(): Promise<void> {
    this.#child.kill('SIGTERM');
    const patience = setTimeout(() => this.#child.kill('SIGKILL'), PATIENCE_MS);
    await this.#ended;
    clearTimeout(patience);
  }
}
