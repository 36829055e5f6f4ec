import { EventEmitter } from 'node:events';
import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import { describe, expect, test } from 'vitest';
import { ConnectionLimit } from '../../src/http/connection-limit.ts';
import { HandClock } from '../support/hand-clock.ts';

class FakeSocket extends EventEmitter {
  destroyed = false;
  destroy(): void {
    this.destroyed = true;
    this.emit('close');
  }
}

const arrange = (most: number) => {
  const server = new EventEmitter();
  const clock = new HandClock();
  const limit = new ConnectionLimit(server as Server, most, { clock, graceMs: 5000 });
  const connect = (): FakeSocket => {
    const socket = new FakeSocket();
    server.emit('connection', socket);
    return socket;
  };
  const vouch = (socket: FakeSocket): EventEmitter => {
    const answer = new EventEmitter();
    limit.vouch(socket as unknown as Socket, answer);
    return answer;
  };
  const destroyed = (sockets: readonly FakeSocket[]): boolean[] => sockets.map((socket) => socket.destroyed);
  return { limit, clock, connect, vouch, destroyed };
};

describe('the limit of connections', () => {
  test('lets the one that has waited longest make room', () => {
    const { limit, connect, destroyed } = arrange(2);
    const sockets = [connect(), connect(), connect()];
    expect(destroyed(sockets)).toEqual([true, false, false]);
    expect([limit.open, limit.dropped]).toEqual([2, 1]);
  });

  test('keeps the one whose request is being answered', () => {
    const { connect, vouch, destroyed } = arrange(2);
    const known = connect();
    vouch(known);
    const sockets = [known, connect(), connect(), connect()];
    expect(destroyed(sockets)).toEqual([false, true, true, false]);
  });

  test('takes it for idle again once it is answered, and as the newest', () => {
    const { connect, vouch, destroyed } = arrange(2);
    const [first, second] = [connect(), connect()];
    vouch(first).emit('close');
    const third = connect();
    expect(destroyed([first, second, third])).toEqual([false, true, false]);
  });

  test('refuses a new one when all are being answered', () => {
    const { limit, connect, vouch, destroyed } = arrange(2);
    const known = [connect(), connect()];
    known.forEach(vouch);
    const late = connect();
    expect(destroyed([...known, late])).toEqual([false, false, true]);
    expect(limit.open).toBe(2);
  });

  test('forgets what was closed, answered or not', () => {
    const { limit, connect, vouch } = arrange(3);
    const [idle, known] = [connect(), connect()];
    const answer = vouch(known);
    idle.destroy();
    known.destroy();
    answer.emit('close');
    expect(limit.open).toBe(0);
  });

  test('lets a server close: idle ones at once, others when they are answered, new ones never', () => {
    const { limit, connect, vouch, destroyed } = arrange(9);
    const [idle, known] = [connect(), connect()];
    const answer = vouch(known);
    limit.close();
    const late = connect();
    expect(destroyed([idle, known, late])).toEqual([true, false, true]);
    answer.emit('close');
    expect([known.destroyed, limit.open]).toEqual([true, 0]);
  });

  test('does not wait longer than its grace for an answer that nobody reads', async () => {
    const { limit, clock, connect, vouch, destroyed } = arrange(9);
    const [quick, stalled, other] = [connect(), connect(), connect()];
    const answer = vouch(quick);
    for (const socket of [stalled, other]) vouch(socket);
    limit.close();
    await clock.advance(4999);
    answer.emit('close');
    expect(destroyed([quick, stalled, other])).toEqual([true, false, false]);
    await clock.advance(1);
    expect([destroyed([stalled, other]), limit.open]).toEqual([[true, true], 0]);
  });

  test('leaves no timer behind once all is answered', async () => {
    const { limit, clock, connect, vouch } = arrange(9);
    const [known, gone] = [connect(), connect()];
    const answer = vouch(known);
    vouch(gone);
    limit.close();
    answer.emit('close');
    expect(clock.sleeping).toBe(1);
    gone.destroy();
    expect(clock.sleeping).toBe(0);
    const idle = arrange(1);
    idle.limit.close();
    expect(idle.clock.sleeping).toBe(0);
  });

  test('is not confused by a request that no socket of the server brought', () => {
    const { limit, vouch } = arrange(1);
    vouch(new FakeSocket()).emit('close');
    expect(limit.open).toBe(0);
  });
});
