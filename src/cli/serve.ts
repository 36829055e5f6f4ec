/** `record-call serve`: the live service, until the signal (design §6.1). Its log goes to stderr, a JSON object per line. */
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { pino } from 'pino';
import { readConfiguration } from '../app/configuration.ts';
import {
  coreDumpWarning,
  ignoreDebuggerSignal,
  preventCoreDumps,
  refuseRevealingOptions,
} from '../app/memory-hygiene.ts';
import { serve } from '../app/serve.ts';
import { variableOf } from '../app/settings.ts';
import { systemClock } from '../core/clock.ts';
import { AppError } from '../core/errors.ts';
import type { CommandIo } from './io.ts';
import { parseOptions } from './options.ts';

/** @throws AppError why it could not start, or had to end by itself */
export const serveCommand = async (args: string[], io: CommandIo): Promise<number> => {
  const { values, positionals } = parseOptions('serve', args, { config: { type: 'string' } });
  if (positionals.length > 0)
    throw new AppError(
      'USAGE',
      `serve takes no "${positionals[0]}"; settings come by --config FILE or the environment`,
    );
  const settings = readConfiguration(io.env, values.config);
  // Programs and threads that are started have no business with it.
  delete process.env[variableOf('master_key')];
  const { version } = createRequire(import.meta.url)('../../package.json') as { version: string };
  const logger = pino(
    { level: settings.log_level, base: null },
    { write: (line: string) => void io.stderr.write(line) },
  );
  refuseRevealingOptions();
  ignoreDebuggerSignal(() =>
    logger.warn('SIGUSR1 is ignored: no debugger looks into a process that may hold card data'),
  );
  const exposed = coreDumpWarning(await preventCoreDumps());
  if (exposed !== undefined) logger.warn(exposed);
  const service = await serve({ settings, clock: systemClock, logger, version });
  io.stdout.write(`record-call ${version} listens at ${service.url}  API: ${service.url}/docs\n`);
  if (service.isFirst) io.stdout.write(`the first account and its key are in ${service.folder.credentials}\n`);
  const ended = io.signal.aborted ? Promise.resolve() : once(io.signal, 'abort');
  let lost: AppError | undefined;
  // It may also die while the service ends: what it had not closed is unfinished then.
  const losing = service.lost.then((why) => {
    lost = why;
  });
  await Promise.race([ended, losing]);
  io.stdout.write('stopping: running calls end, their recordings are finished or kept for the next start\n');
  await service.stop();
  if (lost !== undefined) throw lost;
  return 0;
};
