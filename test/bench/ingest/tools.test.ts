import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { RtpPacket } from '../../../src/media/rtp-packet.ts';
import { sharedScratchDir } from '../../support/scratch.ts';
import { runChild } from '../child.ts';
import { CallSender } from '../pipeline/call-sender.ts';
import type { Sent } from './load.ts';
import { ReceiverProgram } from './receiver-program.ts';
import { buildTools } from './tools.ts';

const folder = sharedScratchDir();
const never = new AbortController().signal;
const { sink, sender, callSender } = await buildTools(join(folder, 'tools'));
const SENDER_PROCESS = fileURLToPath(new URL('./sender-process.ts', import.meta.url));

const portsFile = async (name: string, ports: readonly number[]): Promise<string> => {
  const path = join(folder, name);
  await writeFile(path, ports.join('\n'));
  return path;
};

test.skipIf(sink === undefined || sender === undefined)(
  'the sink counts what the sender sends, one by one and in bursts',
  async () => {
    const listening = await ReceiverProgram.start([sink!, '127.0.0.1', '3', '1000', '1000000'], never);
    expect(new Set(listening.ports).size).toBe(3);
    const file = await portsFile('sink', listening.ports);
    let sent = 0;
    for (const burst of ['1', '40'])
      sent += (JSON.parse((await runChild(sender!, [file, '500', burst, '0.2'], {}, never)).stdout) as Sent).sent;
    expect(sent).toBe(300 + 280);
    await expect.poll(async () => (await listening.count()).packets).toBe(sent);
    expect((await listening.count()).cpuSeconds).toBeGreaterThan(0);
    await listening.stop();
  },
);

test('a receiver that does not start says why', async () => {
  const failing = [process.execPath, '-e', 'console.error("no such thing"); process.exit(3)'];
  await expect(ReceiverProgram.start(failing, never)).rejects.toThrow('the receiver did not listen: no such thing');
});

for (const { name, command } of [
  { name: 'in C', command: sender === undefined ? undefined : [sender] },
  { name: 'in JavaScript', command: [process.execPath, '--import', 'tsx', SENDER_PROCESS] },
]) {
  test.skipIf(command === undefined)(
    `the sender ${name} sends each port RTP of its own, numbered and timed`,
    async () => {
      const sockets = [createSocket('udp4'), createSocket('udp4')];
      const heard = sockets.map(() => [] as string[]);
      for (const [at, socket] of sockets.entries()) {
        const packet = new RtpPacket();
        socket.on('message', (bytes) => {
          heard[at].push(packet.parse(bytes) ? `${packet.ssrc} ${packet.sequence} ${packet.timestamp}` : 'no RTP');
        });
        socket.bind(0, '127.0.0.1');
        await once(socket, 'listening');
      }
      const file = await portsFile(
        `sender-${name}`,
        sockets.map((socket) => socket.address().port),
      );
      const [program = '', ...args] = command ?? [];
      const told = JSON.parse((await runChild(program, [...args, file, '100', '1', '0.1'], {}, never)).stdout) as Sent;
      expect(told).toMatchObject({ sent: 20, unsent: 0 });
      await expect.poll(() => heard.map(({ length }) => length)).toEqual([10, 10]);
      for (const socket of sockets) socket.close();
      expect(heard[1].slice(0, 2)).toEqual([`${0x1001} 0 0`, `${0x1001} 1 80`]);
      expect(heard[0].at(-1)).toBe(`${0x1000} 9 720`);
    },
  );
}

test.skipIf(callSender === undefined)(
  'the sender of calls begins legs when it is told to, each as long as it is asked',
  async () => {
    const sockets = [createSocket('udp4'), createSocket('udp4'), createSocket('udp4')];
    const heard = sockets.map(() => [] as string[]);
    for (const [at, socket] of sockets.entries()) {
      const packet = new RtpPacket();
      socket.on('message', (bytes) => {
        const length = packet.parse(bytes) ? packet.payloadEnd - packet.payloadStart : 0;
        heard[at].push(`${packet.ssrc} ${packet.sequence} ${packet.timestamp} ${length}`);
      });
      socket.bind(0, '127.0.0.1');
      await once(socket, 'listening');
    }
    const voiceFile = join(folder, 'voice');
    await writeFile(voiceFile, Buffer.alloc(5 * 160, 0x55));
    const sending = new CallSender({ program: callSender!, voiceFile, burst: 1, core: undefined }, never);
    const [first, second, third] = sockets.map((socket) => socket.address().port);
    sending.begin(first, 3);
    sending.begin(second, 5);
    await expect.poll(async () => await sending.count()).toMatchObject({ legs: 0, sent: 8, unsent: 0 });
    sending.begin(third, 100_000);
    await expect.poll(() => heard[2].length).toBeGreaterThan(1);
    sending.endLegs();
    const { legs, sent } = await sending.count();
    expect(legs).toBe(0);
    expect(await sending.stop()).toMatchObject({ sent });
    expect(await sending.stop()).toMatchObject({ sent });
    await expect.poll(() => heard.flat().length).toBe(sent);
    for (const socket of sockets) socket.close();
    expect(heard[0]).toEqual(['4096 0 0 160', '4096 1 160 160', '4096 2 320 160']);
    expect(heard[1].at(-1)).toBe('4097 4 640 160');
  },
);
