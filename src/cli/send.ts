/** `record-call send`: plays a capture's RTP to where a recorder listens (design §6.1). */
import { basename } from 'node:path';
import { type RtpTarget, sendRtp } from '../app/rtp-sender.ts';
import { systemClock } from '../core/clock.ts';
import { AppError } from '../core/errors.ts';
import { planCapture } from '../ingest/survey/plan-capture.ts';
import type { CommandIo } from './io.ts';
import { parseOptions, parseSpeed } from './options.ts';
import { ProgressLine } from './progress.ts';

const OPTIONS = { to: { type: 'string' }, speed: { type: 'string', default: '1' } } as const;

export const sendCommand = async (args: string[], io: CommandIo): Promise<number> => {
  const { values, positionals } = parseOptions('send', args, OPTIONS);
  const [capture, ...more] = positionals;
  if (capture === undefined || more.length > 0) throw new AppError('USAGE', 'send: name one capture file');
  if (values.to === undefined)
    throw new AppError(
      'USAGE',
      'send: --to is missing: HOST:PORT for both legs, or HOST:PORT,HOST:PORT for leg a and leg b',
    );
  const [a, b = a, ...others] = values.to.split(',').map(parseTarget);
  if (a === undefined || b === undefined || others.length > 0)
    throw new AppError('USAGE', 'send: --to takes one address or two');
  const speed = parseSpeed('send', values.speed);

  const plan = await planCapture(capture, { signal: io.signal });
  const [call, ...rest] = plan.calls;
  if (call === undefined) throw new AppError('NOTHING_TO_RECORD', `${basename(capture)} holds no call to send`);
  if (rest.length > 0)
    io.stderr.write(`warning: ${basename(capture)} holds ${plan.calls.length} calls; the first is sent\n`);
  const progress = new ProgressLine(io.stderr);
  const sent = await sendRtp({
    capture,
    call,
    targets: { a, b },
    speed,
    clock: systemClock,
    signal: io.signal,
    onProgress: (bytes, total) => progress.show(`sending ${basename(capture)}`, total === 0 ? 1 : bytes / total),
  }).finally(() => progress.clear());
  io.stdout.write(`sent       ${sent.a} packets of leg a to ${text(a)}, ${sent.b} of leg b to ${text(b)}\n`);
  return 0;
};

const text = ({ host, port }: RtpTarget): string => `${host.includes(':') ? `[${host}]` : host}:${port}`;

/** `HOST:PORT`, an IPv6 address in brackets. */
const parseTarget = (word: string): RtpTarget => {
  const match = /^(?:\[([0-9A-Fa-f:.]+)\]|([^:\s]+)):(\d{1,5})$/.exec(word.trim());
  const port = Number(match?.[3]);
  const host = match?.[1] ?? match?.[2];
  if (host === undefined || port < 1 || port > 65_535)
    throw new AppError('USAGE', `send: --to takes HOST:PORT, not "${word}"`);
  return { host, port };
};
