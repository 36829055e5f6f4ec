/** The beginning of `/docs`: one call from the key to its recording, as lines for the shell. Pure. */
import { escaped, prose } from './docs-prose.ts';

const STEPS: readonly (readonly [what: string, lines: string])[] = [
  [
    'Get a token. The first start wrote the account, its key and the address into `data/credentials.json`; lines here ask for `jq`.',
    `read -r URL ACCOUNT_ID API_KEY <<< "$(jq -r '[.url, .account_id, .api_key] | join(" ")' data/credentials.json)"
TOKEN=$(curl -s -X PUT "$URL/v2/api_auth" -H 'Content-Type: application/json' -d "{\\"data\\":{\\"api_key\\":\\"$API_KEY\\"}}" | jq -r .auth_token)`,
  ],
  [
    'Announce a call. The answer says where to send each leg.',
    `curl -s -X PUT "$URL/v2/accounts/$ACCOUNT_ID/calls" -H "X-Auth-Token: $TOKEN" -H 'Content-Type: application/json' \\
  -d '{"data":{"call_id":"first","media":{"kind":"rtp"},"record_call":{"action":"start"}}}' > call.json
LEGS=$(jq -r '.data.legs | [.a, .b] | map("\\(.rtp.host):\\(.rtp.port)") | join(",")' call.json)`,
  ],
  [
    'Send audio there: a media server does, or the program that came with this one.',
    `node dist/cli.js send samples/card-payment.pcap --to "$LEGS"`,
  ],
  [
    'Hang up: the recording ends and is finished.',
    `curl -s -X DELETE "$URL/v2/accounts/$ACCOUNT_ID/calls/first" -H "X-Auth-Token: $TOKEN"`,
  ],
  [
    'Fetch it. Until it is finished there is no audio, which is 404: curl tries again.',
    `RECORDING_ID=$(jq -r '.data.recordings[0]' <(curl -s "$URL/v2/accounts/$ACCOUNT_ID/calls/first" -H "X-Auth-Token: $TOKEN"))
curl -sf --retry 5 --retry-all-errors "$URL/v2/accounts/$ACCOUNT_ID/recordings/$RECORDING_ID" \\
  -H "X-Auth-Token: $TOKEN" -H 'Accept: audio/mpeg' -o first.mp3`,
  ],
];

export const FIRST_CALL = 'first-call';

export const firstCallHtml = (): string =>
  `<ol>${STEPS.map(([what, lines]) => `<li>${prose(what)}<pre>${escaped(lines)}</pre></li>`).join('')}</ol>`;
