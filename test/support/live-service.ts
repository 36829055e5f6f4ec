/** The service as `record-call serve` wires it, in this process or as the built program, on a data folder of a test's own. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { join } from 'node:path';
import { pino } from 'pino';
import { readConfiguration } from '../../src/app/configuration.ts';
import { type ServeOptions, serve } from '../../src/app/serve.ts';
import { systemClock } from '../../src/core/clock.ts';
import { startUploadTarget } from '../../src/http/upload-target.ts';
import type { Received } from '../../src/http/upload-target-intake.ts';
import { type CommandResult, type RunningCommand, startCommand } from './command.ts';
import { eventually, LiveApi } from './live-api.ts';
import { noteSaid } from './said.ts';

/** Below those that the kernel gives to sockets that ask for none; enough for every call of a test. */
const PORTS = { first: 20_000, ranges: 24, each: 400 };

/** A range that no other test uses now: whoever does holds its first port. */
const freePorts = async (): Promise<string> => {
  const after = Math.floor(Math.random() * PORTS.ranges);
  for (let range = 0; range < PORTS.ranges; range++) {
    const first = PORTS.first + ((after + range) % PORTS.ranges) * PORTS.each;
    if (await isFree(first)) return `${first}-${first + PORTS.each - 1}`;
  }
  throw new Error('every range of RTP ports is in use');
};

const isFree = async (port: number): Promise<boolean> => {
  const socket = createSocket('udp4');
  try {
    const listening = once(socket, 'listening');
    socket.bind(port, '127.0.0.1');
    await listening;
    return true;
  } catch {
    return false;
  } finally {
    socket.close();
  }
};

export const liveEnv = async (dataDir: string): Promise<Record<string, string>> => ({
  RECORD_CALL_DATA_DIR: dataDir,
  RECORD_CALL_HTTP_PORT: '0',
  // Of one service at a time.
  RECORD_CALL_AUDIOSOCKET_PORT: '0',
  RECORD_CALL_RTP_PORTS: await freePorts(),
  RECORD_CALL_ALLOW_TARGETS: '127.0.0.1',
  RECORD_CALL_MP3_ENCODER: 'lamejs',
  RECORD_CALL_LOG_LEVEL: 'debug',
  RECORD_CALL_DISK_MIN_MIB: '16',
});

export type LiveService = {
  readonly api: LiveApi;
  readonly folder: string;
  /** Lines of its log, everything that it logs. */
  readonly logged: readonly string[];
  stop(): Promise<void>;
};

/** @param folder its data folder; may not be there yet. @param env beside `liveEnv`'s. @param options beside what they say. */
export const startLiveService = async (
  folder: string,
  env: Readonly<Record<string, string>> = {},
  options: Partial<ServeOptions> = {},
): Promise<LiveService> => {
  const logged: string[] = [];
  const logger = pino({ level: 'trace', base: null }, { write: (line: string) => void logged.push(line) });
  const settings = readConfiguration({ ...(await liveEnv(folder)), ...env });
  const service = await serve({ settings, clock: systemClock, logger, version: '0.0.0', ...options });
  const api = await LiveApi.enter(service.url, service.folder.credentials);
  const stop = async (): Promise<void> => {
    await service.stop();
    noteSaid('a service in a test', logged.join(''));
  };
  return { api, folder, logged, stop };
};

export type LiveProgram = RunningCommand & {
  readonly api: LiveApi;
  /** Sends a signal. @returns how it ended */
  end(signal: NodeJS.Signals): Promise<CommandResult>;
};

/** `dist/cli.js serve`; resolves when it listens. @param env beside `liveEnv`'s. */
export const startLiveProgram = async (
  folder: string,
  env: Readonly<Record<string, string>> = {},
): Promise<LiveProgram> => {
  const running = startCommand(['serve'], { env: { ...(await liveEnv(folder)), ...env }, timeoutMs: 60_000 });
  let said = '';
  running.child.stdout!.on('data', (text: string) => {
    said += text;
  });
  let ended: CommandResult | undefined;
  void running.done.then((result) => {
    ended = result;
  });
  const url = await eventually(() => {
    if (ended !== undefined) throw new Error(`it ended with ${ended.status}: ${ended.stderr}`);
    return / listens at (\S+) /.exec(said)?.[1];
  }, 'the service to listen');
  const api = await LiveApi.enter(url, join(folder, 'credentials.json'));
  const end = (signal: NodeJS.Signals): Promise<CommandResult> => {
    running.child.kill(signal);
    return running.done;
  };
  return { ...running, api, end };
};

export type LiveTarget = {
  readonly url: string;
  readonly folder: string;
  readonly received: readonly Received[];
  /** The file that a recording came as. @throws unless it came exactly once */
  fileOf(recordingId: string): string;
  close(): Promise<void>;
};

/** Where recordings are uploaded to. */
export const startLiveTarget = async (folder: string): Promise<LiveTarget> => {
  const received: Received[] = [];
  const target = await startUploadTarget({ directory: folder, onReceived: (file) => void received.push(file) });
  const fileOf = (recordingId: string): string => {
    const own = received.filter((each) => each.recordingId === recordingId);
    if (own.length !== 1) throw new Error(`recording ${recordingId} came ${own.length} times`);
    return join(folder, own[0].name);
  };
  return { url: `${target.url}/calls`, folder, received, fileOf, close: () => target.close() };
};
