/**
 * rtpengine in user space, asked to record calls as pcap: it passes a call's packets on and writes them as they came. No audio file comes of
 * that; it is what a media server takes that has none of its own to make.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { mkdir, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { LEG_PACKETS_PER_SECOND } from '../ingest/load.ts';
import { cpuSecondsOf } from '../live/process-use.ts';
import { type Bencodable, bencode } from './bencode.ts';
import { sdpOf } from './ffmpeg-recorder.ts';
import { freePorts } from './free-ports.ts';
import type { CallPorts, CallRecorder, Finished } from './recorder.ts';

/** IP, UDP, RTP, 20 ms of PCMU, and what a pcap has before each packet; and before them all. */
const BYTES = { packet: 20 + 8 + 12 + 160 + 16, head: 24 } as const;
const MEDIA_PORTS = { first: 50_000, last: 59_999 } as const;
const ANSWER_MS = 2000;
const TRIES = 10;
/** Files are written behind a call's end. */
const WRITE_MS = 500;

export const rtpengineRecorder: CallRecorder = {
  name: 'rtpengine, recording to pcap',
  makes: 'pcap',
  needs: 'rtpengine',
  start: async ({ calls, seconds, folder, signal }) => {
    const [control = 0, unused = 0] = await freePorts(2);
    await mkdir(folder, { recursive: true });
    const child = spawn('rtpengine', wordsOf(folder, control), { stdio: 'ignore', signal, killSignal: 'SIGKILL' });
    child.on('error', () => {});
    const ended = new Promise((resolve) => child.once('close', resolve));
    const ng = await NgClient.open(control);
    const stop = async (): Promise<void> => {
      ng.close();
      // It has nothing to write any more, and some versions break when they are asked to end.
      child.kill('SIGKILL');
      await ended;
    };
    try {
      await ng.untilListening(child, signal);
      const ports: CallPorts[] = [];
      for (let call = 0; call < calls; call++) ports.push(await ng.announce(`call-${call}`, unused));
      const before = cpuSecondsOf(`/proc/${child.pid}`);
      const finish = async (): Promise<Finished> => {
        for (let call = 0; call < calls; call++)
          await ng.ask({ command: 'delete', 'call-id': `call-${call}`, 'delete-delay': 0 });
        await sleep(WRITE_MS, undefined, { signal });
        const after = cpuSecondsOf(`/proc/${child.pid}`);
        return {
          cpuSeconds: before === null || after === null ? null : after - before,
          faults: await faultsIn(join(folder, 'pcaps'), calls, 2 * seconds * LEG_PACKETS_PER_SECOND),
        };
      };
      return { ports, finish, stop };
    } catch (error) {
      await stop();
      throw error;
    }
  },
};

const wordsOf = (folder: string, control: number): string[] => [
  ...['--foreground', '--config-file=none', '--table=-1', '--interface=127.0.0.1', `--listen-ng=127.0.0.1:${control}`],
  ...[`--port-min=${MEDIA_PORTS.first}`, `--port-max=${MEDIA_PORTS.last}`, '--log-stderr', '--log-level=1'],
  ...[`--recording-dir=${folder}`, '--recording-method=pcap', '--recording-format=raw'],
];

const faultsIn = async (folder: string, calls: number, packets: number): Promise<string[]> => {
  const names = await readdir(folder).catch(() => []);
  const faults = names.length === calls ? [] : [`${names.length} pcaps of ${calls}`];
  for (const name of names) {
    const { size } = await stat(join(folder, name));
    const held = (size - BYTES.head) / BYTES.packet;
    if (held !== packets) faults.push(`a pcap of ${held} packets, not ${packets}`);
  }
  return faults;
};

/** rtpengine's control protocol: a cookie and a dictionary in a datagram, the same back. */
class NgClient {
  readonly #socket: Socket;
  #asked = 0;

  static async open(port: number): Promise<NgClient> {
    const socket = createSocket('udp4');
    // Nobody listens yet.
    socket.on('error', () => {});
    socket.connect(port, '127.0.0.1');
    await once(socket, 'connect');
    return new NgClient(socket);
  }

  private constructor(socket: Socket) {
    this.#socket = socket;
  }

  async untilListening(child: ChildProcess, signal: AbortSignal): Promise<void> {
    for (let tries = 0; tries < TRIES; tries++) {
      if (child.exitCode !== null || child.pid === undefined) break;
      if ((await this.ask({ command: 'ping' }).catch(() => '')).includes('pong')) return;
      await sleep(ANSWER_MS / TRIES, undefined, { signal });
    }
    throw new Error('rtpengine does not answer');
  }

  /** @param elsewhere where the parties hear each other, if anybody did. @returns where each is to send */
  async announce(callId: string, elsewhere: number): Promise<CallPorts> {
    const call = { 'call-id': callId, 'from-tag': 'a', sdp: sdpOf([elsewhere]), ICE: 'remove', 'record call': 'yes' };
    const b = portIn(await this.ask({ command: 'offer', ...call }));
    const a = portIn(await this.ask({ command: 'answer', 'to-tag': 'b', ...call }));
    return { a, b };
  }

  async ask(question: Bencodable): Promise<string> {
    const cookie = `q${this.#asked++}`;
    const waiting = new AbortController();
    const patience = setTimeout(() => waiting.abort(new Error('rtpengine does not answer')), ANSWER_MS);
    try {
      this.#socket.send(`${cookie} ${bencode(question)}`);
      for (;;) {
        const [answer] = (await once(this.#socket, 'message', { signal: waiting.signal })) as [Buffer];
        const text = answer.toString('latin1');
        if (text.startsWith(`${cookie} `)) return text;
      }
    } finally {
      clearTimeout(patience);
    }
  }

  close(): void {
    this.#socket.close();
  }
}

const portIn = (answer: string): number => {
  const port = /m=audio (\d+) /.exec(answer)?.[1];
  if (port === undefined) throw new Error(`rtpengine refuses a call: ${answer.slice(0, 200)}`);
  return Number(port);
};
