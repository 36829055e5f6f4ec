/** `record-call target`: an upload target to try deliveries and their faults with (design §6.1). Runs until the signal. */
import { once } from 'node:events';
import { AppError } from '../core/errors.ts';
import { startUploadTarget } from '../http/upload-target.ts';
import { parseOptions } from './options.ts';

type Output = { write(text: string): unknown };

const OPTIONS = {
  port: { type: 'string', default: '8077' },
  dir: { type: 'string', default: './uploads' },
  fail: { type: 'string', default: '' },
  host: { type: 'string', default: '127.0.0.1' },
} as const;

const parsePort = (text: string): number => {
  if (!/^\d{1,5}$/.test(text) || Number(text) > 65_535) {
    throw new AppError('USAGE', `target: --port takes a number from 0 to 65535, not "${text}"`);
  }
  return Number(text);
};

const parseFail = (text: string): string[] =>
  text
    .split(',')
    .map((word) => word.trim())
    .filter((word) => word !== '');

/**
 * Prints the URL and the process to end when ready, then a line per file, and one per upload that it failed on purpose.
 * @param args what follows `target` on the command line.
 * @returns the exit status, once the signal has aborted and everything is closed.
 * @throws USAGE, OUTPUT_UNWRITABLE, PORT_TAKEN, CONFIG_INVALID; the caller prints them.
 */
export async function targetCommand(
  args: string[],
  io: { stdout: Output; stderr: Output; signal: AbortSignal },
): Promise<number> {
  const { port, dir, fail, host } = parseOptions('target', args, OPTIONS, 'no words').values;
  if (io.signal.aborted) return 0;
  const target = await startUploadTarget({
    port: parsePort(port),
    host,
    directory: dir,
    fail: parseFail(fail),
    onFault: ({ fault, method, name }) => io.stdout.write(`failed on purpose: ${fault} for ${method} ${name}\n`),
    onReceived: ({ name, bytes, sha256 }) => io.stdout.write(`received ${name} (${bytes} bytes, sha256 ${sha256})\n`),
  });
  io.stdout.write(`upload target at ${target.url}/ storing into ${dir} (pid ${process.pid})\n`);
  if (!io.signal.aborted) await once(io.signal, 'abort');
  await target.close();
  return 0;
}
