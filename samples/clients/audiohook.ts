/**
 * What Genesys Cloud's AudioHook says to record-call, in a few lines: µ-law, both channels interleaved.
 *
 *     ffmpeg -loglevel error -i talk.wav -f mulaw -ar 8000 -ac 2 - | npx tsx samples/clients/audiohook.ts \
 *         'ws://127.0.0.1:8000/v2/accounts/ACCOUNT/streams/audiohook?token=KEY&record_call=true' -
 */
import { createHmac, randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { pathToFileURL } from 'node:url';
import { type Closed, isOpen, openSocket } from './client-socket.ts';
import { type Played, paced } from './played.ts';

export type AudiohookOptions = {
  readonly conversationId: string;
  readonly customConfig?: Readonly<Record<string, unknown>>;
  readonly apiKey?: string;
  /** Base64. Signs the upgrade with it. */
  readonly clientSecret?: string;
  /** In the order in which they are interleaved. */
  readonly channels?: readonly ('external' | 'internal')[];
};

/** `paused`: what follows is not sent, and told of as discarded when it is `resumed`. */
export type AudiohookPlayed = Played | 'paused' | 'resumed';

export const PROBE = '00000000-0000-0000-0000-000000000000';
const ORGANIZATION = 'd7934305-0972-4844-938e-9060eef73d05';
const BYTES_A_SECOND = 16_000;
const COVERED = ['audiohook-organization-id', 'audiohook-session-id', 'audiohook-correlation-id', 'x-api-key'];

/** @returns how the connection ended, and the types of the server's messages. */
export const playAudiohook = async (
  url: string,
  { conversationId, customConfig = {}, apiKey, clientSecret, channels = ['external', 'internal'] }: AudiohookOptions,
  played: AsyncIterable<AudiohookPlayed>,
): Promise<Closed & { readonly heard: readonly string[] }> => {
  const id = randomUUID();
  const { socket, closed } = await openSocket(url, [], { headers: headersOf(url, id, apiKey, clientSecret) });
  const heard: string[] = [];
  let [seq, serverseq, sent, skipped] = [0, 0, 0, 0];
  const position = (bytes = sent + skipped): string => `PT${bytes / BYTES_A_SECOND}S`;
  const says = (type: string, parameters: object): void =>
    socket.send(JSON.stringify({ version: '2', id, type, seq: ++seq, serverseq, position: position(), parameters }));
  socket.on('message', (data) => {
    const message = JSON.parse(String(data)) as { type: string; seq: number };
    serverseq = message.seq;
    heard.push(message.type);
  });
  says('open', {
    organizationId: ORGANIZATION,
    conversationId,
    participant: { id: randomUUID(), ani: '+15555551234', aniName: 'John Doe', dnis: '+18005556789' },
    media: [{ type: 'audio', format: 'PCMU', channels, rate: 8000 }],
    language: 'en-US',
    customConfig,
  });
  // No audio before the server has said which media it takes.
  await Promise.race([once(socket, 'message'), closed]);
  says('ping', {});
  let pausedAt: number | undefined;
  for await (const each of played) {
    if (!isOpen(socket)) break;
    if (each === 'paused') {
      says('paused', {});
      pausedAt = sent + skipped;
    } else if (each === 'resumed' && pausedAt !== undefined) {
      says('resumed', { start: position(pausedAt), discarded: position(sent + skipped - pausedAt) });
      pausedAt = undefined;
    } else if (each instanceof Uint8Array) {
      if (pausedAt === undefined) socket.send(each);
      if (pausedAt === undefined) sent += each.length;
      else skipped += each.length;
    } else if (typeof each === 'object') says('dtmf', { digit: each.key });
  }
  if (isOpen(socket)) {
    says('close', { reason: 'end' });
    while (!heard.includes('closed') && isOpen(socket)) await Promise.race([once(socket, 'message'), closed]);
  }
  socket.close(1000);
  return { ...(await closed), heard };
};

/** RFC 9421, as AudioHook uses it. */
const headersOf = (url: string, id: string, apiKey?: string, secret?: string): Record<string, string> => {
  const { pathname, search, host } = new URL(url);
  const headers: Record<string, string> = {
    'audiohook-organization-id': ORGANIZATION,
    'audiohook-session-id': id,
    'audiohook-correlation-id': randomUUID(),
    ...(apiKey === undefined ? {} : { 'x-api-key': apiKey }),
  };
  if (secret === undefined) return headers;
  const now = Math.floor(Date.now() / 1000);
  const names = ['@request-target', '@authority', ...COVERED];
  const parameters = `(${names.map((name) => `"${name}"`).join(' ')});keyid="${apiKey}";nonce="${randomBytes(16).toString('base64')}";alg="hmac-sha256";created=${now};expires=${now + 10}`;
  const values: Record<string, string> = { '@request-target': pathname + search, '@authority': host, ...headers };
  const base = [...names.map((name) => `"${name}": ${values[name]}`), `"@signature-params": ${parameters}`].join('\n');
  const mac = createHmac('sha256', Buffer.from(secret, 'base64')).update(base).digest('base64');
  return { ...headers, 'signature-input': `sig1=${parameters}`, signature: `sig1=:${mac}:` };
};

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const [url = '', path = '-'] = process.argv.slice(2);
  await playAudiohook(url, { conversationId: randomUUID() }, paced(path, 320));
}
