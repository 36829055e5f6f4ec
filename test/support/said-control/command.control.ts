/** Passes; the command that it runs says what was typed. */
import { expect, test } from 'vitest';
import { runCommand } from '../command.ts';
import { CARD_DIGITS } from '../live-call.ts';

test('a command says digits', async () => {
  expect((await runCommand([process.env.CONTROL_SAYS ?? CARD_DIGITS])).status).toBe(2);
});
