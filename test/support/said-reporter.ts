/** Fails a run of tests whose output, or that of anything they started, has a secret in it. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { UserConsoleLog } from 'vitest';
import type { Reporter } from 'vitest/node';
import { noteSaid, SAID_FOLDER, secretsSaid } from './said.ts';

export class SaidReporter implements Reporter {
  #folder = '';

  onInit(): void {
    this.#folder = mkdtempSync(join(tmpdir(), 'record-call-said-'));
    process.env[SAID_FOLDER] = this.#folder;
  }

  onUserConsoleLog({ type, content }: UserConsoleLog): void {
    noteSaid(`a test's ${type}`, content);
  }

  onTestRunEnd(): void {
    const { found, bytes } = secretsSaid(this.#folder);
    rmSync(this.#folder, { recursive: true, force: true });
    if (found.length === 0) {
      process.stdout.write(`no secret in ${Math.ceil(bytes / 1024)} KiB of output\n`);
      return;
    }
    process.stderr.write(`secrets were said:\n${found.map((each) => `  ${each}\n`).join('')}`);
    process.exitCode = 1;
  }
}
