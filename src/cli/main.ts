/** The command line: picks the command, turns what it throws into one line and an exit status. */
import { createRequire } from 'node:module';
import { AppError, asAppError } from '../core/errors.ts';
import { errorLine } from './error-line.ts';
import { helpCommand } from './help.ts';
import type { Command, CommandIo } from './io.ts';
import { parseOptions } from './options.ts';

/** Each loads what it needs when it is asked for: a short replay shall not wait for a web server. */
const COMMANDS: Readonly<Record<string, Command>> = {
  serve: async (args, io) => (await import('./serve.ts')).serveCommand(args, io),
  replay: async (args, io) => (await import('./replay.ts')).replayCommand(args, io),
  verify: async (args, io) => (await import('./verify.ts')).verifyCommand(args, io),
  send: async (args, io) => (await import('./send.ts')).sendCommand(args, io),
  target: async (args, io) => (await import('./target.ts')).targetCommand(args, io),
  doctor: async (args, io) => (await import('./doctor.ts')).doctorCommand(args, io),
  demo: async (args, io) => (await import('./demo.ts')).demoCommand(args, io),
  help: helpCommand,
  version: async (args, { stdout }) => {
    parseOptions('version', args, {}, 'no words');
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
    return asksForHelp(args) ? await helpCommand(name === 'help' ? [] : [name], io) : await command(args, io);
  } catch (error) {
    if (io.signal.aborted) {
      io.stderr.write('record-call: interrupted\n');
      return 1;
    }
    const failure = asAppError(error);
    io.stderr.write(errorLine(failure));
    return failure.exit;
  }
};

/** Behind `--` come names of files, whatever they look like. */
const asksForHelp = (args: readonly string[]): boolean => {
  const end = args.indexOf('--');
  return (end === -1 ? args : args.slice(0, end)).some((word) => word === '--help' || word === '-h');
};
