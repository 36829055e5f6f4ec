/** The command line: picks the command, turns what it throws into one line and an exit status. */
import { createRequire } from 'node:module';
import { AppError, asAppError } from '../core/errors.ts';
import { demoCommand } from './demo.ts';
import { doctorCommand } from './doctor.ts';
import { HELP } from './help.ts';
import type { Command, CommandIo } from './io.ts';
import { replayCommand } from './replay.ts';
import { sendCommand } from './send.ts';
import { targetCommand } from './target.ts';
import { verifyCommand } from './verify.ts';

const COMMANDS: Readonly<Record<string, Command>> = {
  replay: replayCommand,
  verify: verifyCommand,
  send: sendCommand,
  target: targetCommand,
  doctor: doctorCommand,
  demo: demoCommand,
  help: async (_args, { stdout }) => {
    stdout.write(HELP);
    return 0;
  },
  version: async (_args, { stdout }) => {
    const { version } = createRequire(import.meta.url)('../../package.json') as { version: string };
    stdout.write(`${version}\n`);
    return 0;
  },
};

const ALIASES: Readonly<Record<string, string>> = {
  '--help': 'help',
  '-h': 'help',
  '--version': 'version',
  '-v': 'version',
};

/** @returns the exit status; never throws. */
export const main = async (argv: readonly string[], io: CommandIo): Promise<number> => {
  const [word, ...args] = argv;
  try {
    if (word === undefined) throw new AppError('USAGE', 'name a command; record-call help lists them');
    const name = ALIASES[word] ?? word;
    const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
    if (command === undefined)
      throw new AppError('USAGE', `there is no command "${word}"; record-call help lists them`);
    if (args.includes('--help') || args.includes('-h')) return await COMMANDS['help']!([], io);
    return await command(args, io);
  } catch (error) {
    if (io.signal.aborted) {
      io.stderr.write('record-call: interrupted\n');
      return 1;
    }
    const { message, exit } = asAppError(error);
    io.stderr.write(`record-call: ${message.replace(/\p{Cc}+\s*/gu, ' ')}\n`);
    return exit;
  }
};
