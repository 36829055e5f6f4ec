import { describe, expect, test } from 'vitest';
import { SipConnections } from '../../../src/ingest/sip/connections.ts';
import { ANN, BOB, request, tcp } from './conversation.ts';

const collect = () => {
  const seen: string[] = [];
  const connections = new SipConnections(({ headers }, atUs, { source, target }) => {
    seen.push(`${headers.first('call-id')} ${source}>${target} @${atUs}`);
  });
  return { seen, connections };
};

describe('SipConnections', () => {
  test('the two directions of a connection, and two connections, are kept apart', () => {
    const { seen, connections } = collect();
    const first = request('INVITE', { callId: 'one' });
    const second = request('INVITE', { callId: 'two' });
    const back = request('BYE', { callId: 'three' });
    const half = 40;
    const reverse = { source: BOB, sourcePort: 5060, target: ANN, targetPort: 40_000 };
    connections.push(tcp(first.slice(0, half), 1, 1));
    connections.push(tcp(second.slice(0, half), 1, 2, { sourcePort: 40_001 }));
    connections.push(tcp(back.slice(0, half), 1, 3, reverse));
    connections.push(tcp(back.slice(half), 1 + half, 4, reverse));
    connections.push(tcp(second.slice(half), 1 + half, 5, { sourcePort: 40_001 }));
    connections.push(tcp(first.slice(half), 1 + half, 6));
    expect(seen).toEqual([`three ${BOB}>${ANN} @4`, `two ${ANN}>${BOB} @5`, `one ${ANN}>${BOB} @6`]);
  });

  test('a segment counts as SIP once its connection has shown a message', () => {
    const { connections } = collect();
    const text = request('INVITE');
    expect(connections.push(tcp('', 1, 0, { tcpSyn: true }))).toBe(false);
    expect(connections.push(tcp(text.slice(0, 20), 1, 1))).toBe(false);
    expect(connections.push(tcp(text.slice(20), 21, 2))).toBe(true);
    expect(connections.push(tcp('\r\n\r\n', 1 + text.length, 3))).toBe(true);
    expect(connections.push(tcp('GET / HTTP/1.1\r\n\r\n', 1, 4, { sourcePort: 80 }))).toBe(false);
  });

  test('ten thousand other connections do not push out a quiet SIP one', () => {
    const { seen, connections } = collect();
    const text = request('BYE', { callId: 'quiet' });
    connections.push(tcp(request('INVITE', { callId: 'quiet' }), 1, 1));
    const next = 1 + request('INVITE', { callId: 'quiet' }).length;
    connections.push(tcp(text.slice(0, 50), next, 2));
    for (let port = 0; port < 10_000; port++) connections.push(tcp('GET / HTTP/1.1\r\n', 1, 3, { targetPort: port }));
    connections.push(tcp(text.slice(50), next + 50, 4));
    expect(seen.at(-1)).toBe(`quiet ${ANN}>${BOB} @4`);
    expect(seen).toHaveLength(2);
  });

  test('among other connections, too, one that still sends outlives those that are quiet', () => {
    const { seen, connections } = collect();
    const text = request('INVITE');
    connections.push(tcp(text.slice(0, 30), 1, 1, { targetPort: 1 }));
    for (let port = 2; port <= 128; port++) connections.push(tcp('GET / HTTP/1.1', 1, 2, { targetPort: port }));
    connections.push(tcp(text.slice(30, 60), 31, 3, { targetPort: 1 }));
    connections.push(tcp('GET / HTTP/1.1', 1, 4, { targetPort: 129 }));
    connections.push(tcp(text.slice(60), 61, 5, { targetPort: 1 }));
    expect(seen).toHaveLength(1);
  });

  test('the SIP connection that was quiet longest is forgotten first', () => {
    const { seen, connections } = collect();
    const text = request('INVITE');
    for (let port = 0; port < 513; port++) {
      connections.push(tcp(text + text.slice(0, 60), 1, port, { targetPort: port }));
    }
    seen.length = 0;
    const rest = (port: number) => connections.push(tcp(text.slice(60), 61 + text.length, 999, { targetPort: port }));
    rest(512);
    rest(1);
    expect(seen).toHaveLength(2);
    rest(0); // Begins in mid-message now: nothing to be had.
    expect(seen).toHaveLength(2);
  });

  test('at the end, messages behind a hole are read, and one without its whole body too', () => {
    const { seen, connections } = collect();
    const text = request('INVITE', { sdp: 'v=0\r\n' });
    connections.push(tcp(text, 1, 1));
    connections.push(tcp(text.slice(0, -2), 1 + text.length + 100, 2));
    expect(seen).toHaveLength(1);
    connections.finish();
    expect(seen).toHaveLength(2);
  });
});
