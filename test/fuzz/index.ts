/**
 * `npm run fuzz`: every parser of what comes from outside, and the native kernel, each for a minute.
 *
 *     npm run fuzz -- --seconds 5 --seed 7 --only SIP
 */
import { parseArgs } from 'node:util';
import { fuzz } from './fuzz.ts';
import { TARGETS } from './targets.ts';

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '60' },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 2 ** 31)) },
    only: { type: 'string', default: '' },
  },
});
const seconds = Number(values.seconds);
const targets = TARGETS.filter(({ name }) => name.toLowerCase().includes(values.only.toLowerCase()));
process.stdout.write(`${targets.length} targets, ${seconds} s each, --seed ${values.seed}\n`);
let findings = 0;
for (const target of targets) {
  const until = performance.now() + seconds * 1000;
  const { inputs, finding } = await fuzz(target, Number(values.seed), () => performance.now() >= until);
  process.stdout.write(`${finding === undefined ? 'ok     ' : 'FOUND  '} ${target.name}: ${inputs} inputs\n`);
  if (finding === undefined) continue;
  findings++;
  process.stdout.write(`        ${finding.why}\n        input ${Buffer.from(finding.bytes).toString('hex')}\n`);
}
process.exitCode = findings === 0 ? 0 : 1;
