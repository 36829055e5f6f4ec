// Takes record-call's webhooks on 127.0.0.1 and prints them, if they are signed with our secret and not old.
//   WEBHOOK_SECRET=… node samples/webhook-receiver.js 8090
import { createHmac, timingSafeEqual } from 'node:crypto';
import { createServer } from 'node:http';

const { WEBHOOK_SECRET } = process.env;
if (!WEBHOOK_SECRET) throw new Error('WEBHOOK_SECRET is missing: it is in the answer that set webhook_url');
const LARGEST_BYTES = 65_536;
const OLDEST_SECONDS = 300;

const isGenuine = (headers, body) => {
  const timestamp = headers['x-record-call-timestamp'] ?? '';
  if (!(Math.abs(Date.now() / 1000 - Number(timestamp)) <= OLDEST_SECONDS)) return false;
  const wanted = Buffer.from(
    `v1=${createHmac('sha256', WEBHOOK_SECRET).update(`${timestamp}.`).update(body).digest('hex')}`,
  );
  const found = Buffer.from(String(headers['x-record-call-signature']));
  return found.length === wanted.length && timingSafeEqual(found, wanted);
};

const server = createServer(async (request, response) => {
  const chunks = [];
  let bytes = 0;
  for await (const chunk of request) {
    bytes += chunk.length;
    if (bytes > LARGEST_BYTES) return response.writeHead(413).end();
    chunks.push(chunk);
  }
  const body = Buffer.concat(chunks); // As it came: parsed and written anew, it would be other bytes.
  if (!isGenuine(request.headers, body)) return response.writeHead(401).end();
  // The same event may come twice: the header Idempotency-Key tells.
  const { id, type, data } = JSON.parse(body.toString());
  console.log(JSON.stringify({ id, type, data }));
  response.writeHead(204).end();
});
server.listen(Number(process.argv[2] ?? 8090), '127.0.0.1', () => console.log(`listening on ${server.address().port}`));
