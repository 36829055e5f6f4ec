/** One try for each URL on the command line, in a process that trusts what NODE_EXTRA_CA_CERTS names; prints what came of each. */
import { bytesInMemory } from '../../src/core/bytes-in-memory.ts';
import { attempt, DEFAULT_TRY_LIMITS } from '../../src/deliver/attempt.ts';

const body = Buffer.from('audio');
for (const url of process.argv.slice(2)) {
  const outcome = await attempt(
    { url: new URL(url), method: 'PUT', body: bytesInMemory(body), size: body.length, headers: {} },
    {
      policy: 'operator',
      resolve: async () => [{ address: '127.0.0.1', family: 4 }],
      limits: { ...DEFAULT_TRY_LIMITS, graceMs: 0 },
    },
  );
  const { code, message, retryable } = outcome.kind === 'failed' ? outcome.error : {};
  process.stdout.write(`${JSON.stringify({ kind: outcome.kind, code, message, retryable })}\n`);
}
