/** A media server's own pause, beside masks that people ask for: each is taken back by whoever asked for it. */
import { expect, test, vi } from 'vitest';
import { ACCOUNT, CODES, LiveScene } from './live-scene.ts';

const scene = async () => {
  const live = new LiveScene();
  live.directory.metaflows = { bob: CODES };
  await live.announce({ record_call: { format: 'wav' } });
  live.speak(1000);
  const call = live.calls.find(ACCOUNT, 'c1')!;
  const server = (isOn: boolean, stream = 'first'): void =>
    call.serverMask(isOn, { kind: 'audiohook', stream }, live.clock.us, live.clock.us);
  return { live, call, server, isMasked: () => live.calls.get(ACCOUNT, 'c1').masked };
};

test('masks and unmasks, and is on record as what it is', async () => {
  const { live, server, isMasked } = await scene();
  server(true);
  expect(isMasked()).toBe(true);
  live.speak(500, { secret: true });
  server(true);
  server(false);
  await vi.waitFor(() => expect(live.types).toContain('mask.off'));
  expect(isMasked()).toBe(false);
  const by = { kind: 'stream', by: 'audiohook' };
  expect(
    live.noted.filter(({ action }) => action.startsWith('recording.')).map((note) => [note.action, note.by]),
  ).toEqual([
    ['recording.start', { kind: 'policy', by: 'announcement' }],
    ['recording.mask', by],
    ['recording.mask', by],
    ['recording.unmask', by],
  ]);
});

test('takes back no mask that somebody else has asked for, before it or during it', async () => {
  for (const asks of ['before', 'during'] as const) {
    for (const whom of ['api', 'dtmf'] as const) {
      const { live, call, server, isMasked } = await scene();
      const ask = async (): Promise<void> => {
        if (whom === 'api') await live.act('a', 'mask');
        else live.press('b', '*72');
      };
      if (asks === 'before') await ask();
      server(true);
      live.speak(200, { secret: true });
      if (asks === 'during') await ask();
      const command = vi.spyOn(call.call, 'command');
      server(false);
      expect(command, `${whom} ${asks}`).not.toHaveBeenCalled();
      expect(isMasked()).toBe(true);
      expect(await live.act('a', 'unmask')).toMatchObject({ changed: true, masked: false });
      server(true);
      server(false);
      await vi.waitFor(() => expect(isMasked(), 'its own, later').toBe(false));
    }
  }
});

test('takes back no pause of another stream, nor of a connection that broke', async () => {
  const { server, isMasked } = await scene();
  server(true, 'first');
  server(true, 'second');
  server(false, 'second');
  expect(isMasked()).toBe(true);
  server(false, 'third');
  expect(isMasked()).toBe(true);
  server(false, 'first');
  await vi.waitFor(() => expect(isMasked()).toBe(false));
});
