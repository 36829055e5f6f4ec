/** The service of the live trial: `dist/cli.js serve` as its own process, on a folder of its own, asked as anybody asks it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Credentials } from '../../../src/app/credentials.ts';
import type { Manifest } from '../../../src/finalize/manifest.ts';
import { onCore, withMostFiles } from '../ingest/receiver-program.ts';
import { memoryOf } from './process-use.ts';
import { type Use, useOf } from './thread-use.ts';

const CLI = fileURLToPath(new URL('../../../dist/cli.js', import.meta.url));
const KEPT_TEXT = 4000;
const PATIENCE_MS = 60_000;
const THREAD_NAMES = new URL('./thread-names.mjs', import.meta.url).href;
/** Below the ports that the operating system gives to whoever sends; more calls than these hold go on above, where one is sometimes taken. */
const RTP_PORTS = { usual: '20000-23999', many: '16000-64999' } as const;
const USUAL_CALLS = 1000;

export type ServicePlan = {
  /** At once, at most. */
  readonly calls: number;
  /** The only one that it may run on; undefined: any. */
  readonly core?: number | undefined;
  readonly env?: Readonly<Record<string, string>>;
};

export class LiveService {
  readonly #credentials: Credentials;
  readonly #child: ChildProcess;
  readonly #ended: Promise<unknown>;
  readonly #threadsFile: string;

  /** @param data the folder. @throws Error with what it said when it doesn't start */
  static async start(
    data: string,
    signal: AbortSignal,
    { calls, core, env = {} }: ServicePlan = { calls: USUAL_CALLS },
  ): Promise<LiveService> {
    signal.throwIfAborted();
    const others = Object.entries(process.env).filter(([name]) => !name.startsWith('RECORD_CALL_'));
    const threadsFile = `${data}.threads`;
    const most = String(Math.max(USUAL_CALLS, calls));
    const [program = '', ...args] = withMostFiles(onCore(core, [process.execPath, CLI, 'serve']));
    const child = spawn(program, args, {
      env: {
        ...Object.fromEntries(others),
        NODE_OPTIONS: `${process.env.NODE_OPTIONS ?? ''} --import ${THREAD_NAMES}`.trim(),
        BENCH_THREADS_FILE: threadsFile,
        RECORD_CALL_DATA_DIR: data,
        RECORD_CALL_HTTP_PORT: '0',
        RECORD_CALL_RTP_PORTS: calls > USUAL_CALLS ? RTP_PORTS.many : RTP_PORTS.usual,
        RECORD_CALL_MAX_CALLS: most,
        RECORD_CALL_MAX_CALLS_PER_ACCOUNT: most,
        RECORD_CALL_AUDIOSOCKET_PORT: '0',
        RECORD_CALL_LOG_LEVEL: 'warn',
        ...env,
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
    return new LiveService(child, ended, credentials, threadsFile);
  }

  private constructor(child: ChildProcess, ended: Promise<unknown>, credentials: Credentials, threadsFile: string) {
    this.#credentials = credentials;
    this.#child = child;
    this.#ended = ended;
    this.#threadsFile = threadsFile;
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
    return { manifest: await this.manifest(id), audio };
  }

  manifest(id: string): Promise<Manifest> {
    return this.ask('GET', `recordings/${id}/manifest`);
  }

  /** `/metrics` by name and labels. Reading it begins a new measurement of the event loop's delay. */
  async metrics(): Promise<ReadonlyMap<string, number>> {
    const { url, api_key } = this.#credentials;
    const answer = await fetch(`${url}/metrics`, { headers: { authorization: `Bearer ${api_key}` } });
    const lines = (await answer.text()).split('\n').filter((line) => line !== '' && !line.startsWith('#'));
    return new Map(lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.split(' ').at(-1))]));
  }

  /** CPU time so far, of all its threads. Null where there is no /proc. */
  get use(): Use | null {
    return useOf(this.#child.pid ?? 0, this.#threadsFile);
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
