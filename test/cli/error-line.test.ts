import { expect, test } from 'vitest';
import { errorLine } from '../../src/cli/error-line.ts';
import { AppError } from '../../src/core/errors.ts';

test.each([
  ['has the code before the message', 'call.pcap: no capture', 'call.pcap: no capture'],
  ['is one line, whatever the message', 'one\n  two\r\nthree\u2028four', 'one two three four'],
  ['can not colour or turn round the terminal', 'a\u001b[31mb\u202ec', 'a [31mb c'],
])('it %s', (_, message, told) => {
  expect(errorLine(new AppError('CAPTURE_UNREADABLE', message))).toBe(`record-call: CAPTURE_UNREADABLE: ${told}\n`);
});
