/** `record-call verify`: is this the artefact its manifest describes, who says so, is what is masked silent, and does the audit hold? */
import { AppError } from '../core/errors.ts';
import { auditChecks } from '../finalize/audit-file.ts';
import type { Check } from '../finalize/check.ts';
import { readPublicKey } from '../finalize/public-key-file.ts';
import { verifyArtefact } from '../finalize/verify-artefact.ts';
import type { CommandIo } from './io.ts';
import { parseOptions } from './options.ts';

/** On the line of standard error; standard output has them all. */
const MOST_TOLD = 4;

const OPTIONS = {
  key: { type: 'string', multiple: true, default: [] as string[] },
  audit: { type: 'string' },
  json: { type: 'boolean', default: false },
} as const;

export const verifyCommand = async (args: string[], io: CommandIo): Promise<number> => {
  const { values, positionals } = parseOptions('verify', args, OPTIONS);
  const [artefact, manifest, ...more] = positionals;
  const what = artefact ?? values.audit;
  if (what === undefined || more.length > 0)
    throw new AppError(
      'USAGE',
      'verify: name an artefact, and its manifest unless that is beside it; or --audit alone',
    );
  const trusted: string[] = [];
  for (const path of values.key) trusted.push(await readPublicKey(path));
  const checks =
    artefact === undefined
      ? await auditChecks(what, trusted)
      : await verifyArtefact(artefact, manifest, { trusted, audit: values.audit });
  const isSigned = checks.some(({ name, ok, unproven }) => name === 'signature' && ok && unproven !== true);
  tell(checks, isSigned, values.json, io);
  const failed = checks.filter(({ ok }) => !ok);
  if (failed.length === 0) return 0;
  const told = failed.slice(0, MOST_TOLD).map(({ name, detail }) => `${name}: ${detail}`);
  if (failed.length > MOST_TOLD) told.push(`and ${failed.length - MOST_TOLD} more`);
  throw new AppError('ARTEFACT_MISMATCH', `${what}: ${told.join('; ')}`);
};

const tell = (checks: readonly Check[], signed: boolean, asJson: boolean, { stdout }: CommandIo): void => {
  if (asJson) {
    stdout.write(`${JSON.stringify({ ok: checks.every(({ ok }) => ok), signed, checks }, null, 2)}\n`);
    return;
  }
  const width = Math.max(...checks.map(({ name }) => name.length));
  for (const { name, ok, detail, unproven } of checks) {
    const word = unproven === true ? '-   ' : ok ? 'ok  ' : 'FAIL';
    stdout.write(`${word}  ${name.padEnd(width)}  ${detail}\n`);
  }
  if (checks.some(({ name, unproven }) => name === 'signature' && unproven === true))
    stdout.write('The manifest is not signed: this shows that both belong together, not who made them.\n');
};
