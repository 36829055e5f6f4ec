/** What can be connected, as a table in Markdown: for the API's description and the documents, which are held equal to it. Pure. */
import type { StreamKind } from './stream-dialect.ts';
import { STREAM_KINDS } from './stream-kinds.ts';

const ARRIVES = { websocket: 'WebSocket', http: 'HTTP body', tcp: 'TCP' } as const satisfies Record<
  StreamKind['transport'],
  string
>;

export const kindTable = (): string =>
  [
    '| kind | arrives by | how it is connected |',
    '|---|---|---|',
    ...[...STREAM_KINDS.values()].map(
      ({ name, transport, connect }) => `| \`${name}\` | ${ARRIVES[transport]} | ${connect.replaceAll('|', '\\|')} |`,
    ),
  ].join('\n');
