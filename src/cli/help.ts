/** `record-call help`, of all or of one command. Tests hold it against what the commands take. */
import { AppError } from '../core/errors.ts';
import type { Command } from './io.ts';
import { parseOptions } from './options.ts';

/** What a command takes; `more` is told only when that command is asked for. */
type Part = { readonly text: string; readonly more?: string };

const SERVE: Part = {
  text: `  record-call serve [--config FILE]        the live service: RTP in, API and codes in control
`,
  more: `
  Settings come from the environment (RECORD_CALL_HTTP_PORT=8000, …; the README lists them) or
  from FILE, a JSON object of them: {"http_port": 8000}. The first start makes an account and
  writes its key to credentials.json in the data folder. The log goes to stderr, a JSON object
  per line. The first Ctrl-C or SIGTERM ends calls and finishes what it can, a second one exits.
`,
};

const REPLAY: Part = {
  text: `  record-call replay CAPTURE… [options]    captures in, masked recordings out
      --metaflows FILE   the digits in the capture start, mask, unmask and stop (Kazoo's document)
      --holder a|b       whose metaflows they are: the caller's or the callee's; default both
      --data JSON        record_call fields, such as '{"format":"wav","mask_mode":"tone"}'
      --mask A-B         mask from second A to second B of the recording; may be repeated
      --redact-tones     keep audible key tones out as well, outside masks too
      --out DIR          where recordings go; default ./recordings
      --url URL          deliver each to this target
      --sign KEYFILE     sign the manifests with this Ed25519 key (PKCS8, PEM)
      --speed max|N      as fast as it goes (default), or N times real time
      --json             print the recordings' documents
`,
  more: `
  Without --metaflows each call is recorded from its first frame to its last. Beside each
  recording lies its manifest, DIR/NAME.json; record-call verify holds one against the other.
`,
};

const VERIFY: Part = {
  text: `  record-call verify ARTEFACT [MANIFEST] [--key FILE]… [--audit FILE] [--json]
  record-call verify --audit FILE [--key FILE]…
                                           is it what its manifest says, signed, and silent where
                                           masked? does the audit hold, and is it in there?
      --key FILE         the key that has to have signed: PEM, or the API's …/signing_key
      --audit FILE       an audit as GET …/audit?format=jsonl gives it
`,
  more: `
  The manifest is ARTEFACT.json unless it is named; the answer of …/recordings/ID/manifest will
  do. A check is ok, FAIL, or - where there is nothing to hold it against: a manifest that is not
  signed passes without --key. With several keys any one of them will do. Exit status 0: no check
  failed; 1: the artefact, its manifest or the audit is changed, cut or damaged, or a mask holds
  sound; 2: one of the files can't be read.
`,
};

const SEND: Part = {
  text: `  record-call send CAPTURE --to HOST:PORT[,HOST:PORT] [--speed max|N]
                                           plays a call's RTP as a media server would, leg a to the
                                           first address and leg b to the second
`,
};

const TARGET: Part = {
  text: `  record-call target [--port N] [--host H] [--dir DIR] [--fail LIST]
                                           an upload target to try things with; LIST names faults
                                           for the first requests, such as 503,reset,slow
`,
  more: `
  It takes PUT and POST at any path; GET / lists what it has. Defaults: port 8077 (0: a free
  one), host 127.0.0.1, ./uploads. Each upload shows the next fault of LIST; then all is well.

      400 … 599   takes the body, keeps nothing, answers with this status
      reset       breaks the connection in the middle of the body
      slow        waits for two seconds before it takes the body
      hang        takes the body and never answers
      early       answers 200 before it has taken the body, and keeps nothing
      lost        keeps the file, then breaks the connection instead of answering
      loop        as the last word: starts over with the first fault, for ever

  It runs until Ctrl-C. In the background (record-call target &) kill ends it, with the pid in
  its first line, or kill %1 in the shell that started it.
`,
};

const DOCTOR: Part = { text: '  record-call doctor [--json]              what this machine has and lacks\n' };

const DEMO: Part = {
  text: '  record-call demo [--out DIR]             the sample call, from its capture to its upload\n',
};

const HELP: Part = { text: '  record-call help [COMMAND] | version\n' };

/** In the order of the help. Two of them share a line. */
const PARTS: ReadonlyMap<string, Part> = new Map([
  ['serve', SERVE],
  ['replay', REPLAY],
  ['verify', VERIFY],
  ['send', SEND],
  ['target', TARGET],
  ['doctor', DOCTOR],
  ['demo', DEMO],
  ['help', HELP],
  ['version', HELP],
]);

const ALL = `record-call: records calls and keeps what is masked out of the recording

${[...new Set(PARTS.values())].map(({ text }) => text).join('')}
Exit status: 0 done, 1 failed, 2 wrong usage or unreadable input, 3 nothing to record.
`;

export const helpCommand: Command = async (args, { stdout }) => {
  const [topic, ...others] = parseOptions('help', args, {}).positionals;
  if (others.length > 0) throw new AppError('USAGE', `help: name one command, not "${others[0]}" as well`);
  const part = topic === undefined ? { text: ALL } : PARTS.get(topic);
  if (part === undefined)
    throw new AppError('USAGE', `help: there is no command "${topic}"; record-call help lists them`);
  stdout.write(part.text + (part.more ?? ''));
  return 0;
};
