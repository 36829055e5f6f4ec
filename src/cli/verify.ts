/** `record-call verify`: is this the artefact its manifest describes, and is what it says is masked silent? */
import { AppError } from '../core/errors.ts';
import { verifyArtefact } from '../finalize/verify-artefact.ts';
import type { CommandIo } from './io.ts';
import { parseOptions } from './options.ts';

/** On the line of standard error; standard output has them all. */
const MOST_TOLD = 4;

export const verifyCommand = async (args: string[], io: CommandIo): Promise<number> => {
  const { values, positionals } = parseOptions('verify', args, { json: { type: 'boolean', default: false } });
  const [artefact, manifest, ...more] = positionals;
  if (artefact === undefined || more.length > 0)
    throw new AppError('USAGE', 'verify: name an artefact, and its manifest unless that is beside it');
  const checks = await verifyArtefact(artefact, manifest);
  const failed = checks.filter(({ ok }) => !ok);
  if (values.json) io.stdout.write(`${JSON.stringify({ ok: failed.length === 0, signed: false, checks }, null, 2)}\n`);
  else {
    const width = Math.max(...checks.map(({ name }) => name.length));
    for (const { name, ok, detail } of checks)
      io.stdout.write(`${ok ? 'ok  ' : 'FAIL'}  ${name.padEnd(width)}  ${detail}\n`);
    io.stdout.write('The manifest is not signed: this shows that both belong together, not who made them.\n');
  }
  if (failed.length === 0) return 0;
  const told = failed.slice(0, MOST_TOLD).map(({ name, detail }) => `${name}: ${detail}`);
  if (failed.length > MOST_TOLD) told.push(`and ${failed.length - MOST_TOLD} more`);
  throw new AppError('ARTEFACT_MISMATCH', `${artefact}: ${told.join('; ')}`);
};
