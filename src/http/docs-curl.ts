/** An operation as a line for the shell, to be read and pasted: what differs from caller to caller is a variable. Pure. */
import type { Placed } from './docs-operation.ts';

const FORM = `-F 'data={"format":"wav"}' -F file=@call.pcap`;

/** `{callId}` is `$CALL_ID`. */
const variable = (name: string): string => `$${name.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`;

/** Variables in it stay such. */
const quoted = (text: string): string =>
  `'${text.replaceAll("'", "'\\''").replace(/\$[A-Z_]+/g, (name) => `'"${name}"'`)}'`;

export const curlLine = ({ method, path, operation }: Placed): string => {
  const { security, requestBody } = operation;
  const verb = method.toUpperCase();
  const [content] = Object.entries(requestBody?.content ?? {});
  const words = ['curl'];
  if (verb === 'HEAD') words.push('-I');
  else if (verb !== 'GET') words.push(`-X ${verb}`);
  // An answer that never ends is shown as it comes.
  if (path.endsWith('/events')) words.push('-N');
  words.push(`"$URL${path.replace(/\{(\w+)\}/g, (_, name: string) => variable(name))}"`);
  if (security?.length !== 0) {
    words.push(path.startsWith('/v2') ? `-H "X-Auth-Token: $TOKEN"` : `-H "Authorization: Bearer $API_KEY"`);
  }
  if (content?.[0] === 'multipart/form-data') words.push(FORM);
  else if (content !== undefined) {
    words.push(`-H 'Content-Type: ${content[0]}'`, `-d ${quoted(JSON.stringify(content[1].example ?? { data: {} }))}`);
  }
  return words.join(' ');
};
