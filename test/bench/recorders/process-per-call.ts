/** A program for each call, ended by SIGINT as somebody ends it who wants its file: ffmpeg from an SDP, a GStreamer pipeline. */
import { type ChildProcess, spawn } from 'node:child_process';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { cpuSecondsOf } from '../live/process-use.ts';
import { childrenCpuSeconds } from '../process-tree.ts';
import { freePorts, untilBound } from './free-ports.ts';
import type { CallPorts, CallRecorder, Finished, Makes, Recording } from './recorder.ts';

/** What a call's process is told. */
export type ProcessCall = { readonly ports: CallPorts; readonly folder: string; readonly out: string };

const KEPT_TEXT = 500;
const PATIENCE_MS = 15_000;
/** Of a file, against what was sent: how it begins and ends is each program's own. */
const SIZE_TOLERANCE = 0.1;

export const processPerCall = (
  recorder: Pick<CallRecorder, 'name' | 'needs'> & {
    readonly makes: Exclude<Makes, 'pcap'>;
    readonly bytesPerSecond: number;
    /** May write files into the folder. */
    command(call: ProcessCall): Promise<readonly string[]>;
  },
): CallRecorder => {
  const { makes, bytesPerSecond } = recorder;
  return {
    name: recorder.name,
    makes,
    ...(recorder.needs === undefined ? {} : { needs: recorder.needs }),
    start: async ({ calls, seconds, folder, signal }): Promise<Recording> => {
      const free = await freePorts(2 * calls);
      const ports = Array.from({ length: calls }, (_, call) => ({ a: free[2 * call], b: free[2 * call + 1] }));
      const outs = ports.map((_, call) => join(folder, `call-${call}.${makes}`));
      const children: Child[] = [];
      const stop = async (): Promise<void> => {
        await Promise.all(children.map((child) => child.end('SIGKILL')));
      };
      try {
        for (const [call, each] of ports.entries())
          children.push(new Child(await recorder.command({ ports: each, folder, out: outs[call] }), signal));
        await untilBound(free, () => children.every((child) => child.isAlive), signal);
      } catch (error) {
        await stop();
        throw new Error(`${(error as Error).message} ${children.find(({ said }) => said !== '')?.said ?? ''}`.trim());
      }
      const atStart = sum(children.map(({ cpuSeconds }) => cpuSeconds));
      const finish = async (): Promise<Finished> => {
        const before = childrenCpuSeconds();
        const ended = await Promise.all(children.map((child) => child.end('SIGINT')));
        const after = childrenCpuSeconds();
        const faults = ended.flatMap((how, call) => (how === undefined ? [] : [`call ${call}: ${how}`]));
        for (const out of outs) {
          const size = await stat(out).then(
            (file) => file.size,
            () => 0,
          );
          const wanted = seconds * bytesPerSecond;
          if (Math.abs(size / wanted - 1) > SIZE_TOLERANCE) faults.push(`${size} bytes of about ${wanted}`);
        }
        // What a process took before it listened is in what its whole life took.
        const cpuSeconds = before === null || after === null || atStart === null ? null : after - before - atStart;
        return { cpuSeconds, faults };
      };
      return { ports, finish, stop };
    },
  };
};

const sum = (values: readonly (number | null)[]): number | null =>
  values.reduce<number | null>((all, value) => (all === null || value === null ? null : all + value), 0);

class Child {
  said = '';
  readonly #child: ChildProcess;
  readonly #ended: Promise<string | number | null>;

  constructor([program = '', ...args]: readonly string[], signal: AbortSignal) {
    this.#child = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe'], signal, killSignal: 'SIGKILL' });
    this.#child.on('error', () => {});
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.said = (this.said + text).slice(-KEPT_TEXT);
    });
    this.#ended = new Promise((resolve) =>
      this.#child.once('close', (code, killedBy) => resolve(killedBy === null ? code : killedBy)),
    );
  }

  get isAlive(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  get cpuSeconds(): number | null {
    return cpuSecondsOf(`/proc/${this.#child.pid}`);
  }

  /** @returns undefined when it ends as it should, else how it did. ffmpeg says 255 when it was asked to */
  async end(signal: NodeJS.Signals): Promise<string | undefined> {
    if (this.isAlive) this.#child.kill(signal);
    const patience = setTimeout(() => this.#child.kill('SIGKILL'), PATIENCE_MS);
    const how = await this.#ended;
    clearTimeout(patience);
    return how === 0 || how === 255 ? undefined : `it ended with ${how}: ${this.said.trim()}`;
  }
}
