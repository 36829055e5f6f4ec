/**
 * The URLs that a voice server may have signed for one upgrade: it signs what it was told to call, and what came in has no scheme, perhaps
 * another host (a proxy's), and sometimes a slash more or less or no query. All of them name this server and this path. Pure.
 */
import type { SignedRequest } from './signed-request.ts';

const SCHEMES = ['wss', 'https', 'ws', 'http'];
const DEFAULT_PORT = /:(?:80|443)$/;

/** @param base as in `stream_keys`: what stands before the path in the URL that the server calls; without it, by the `host` header */
export const requestUrls = ({ target, headers }: SignedRequest, base?: string): string[] => {
  const [path = '', query] = split(target, '?');
  const other = path.endsWith('/') ? path.slice(0, -1) : `${path}/`;
  const targets = [path, other].flatMap((each) => (query === undefined ? [each] : [`${each}?${query}`, each]));
  return origins(headers.host, base).flatMap((origin) => targets.map((each) => `${origin}${each}`));
};

const origins = (host: string | undefined, base: string | undefined): string[] => {
  if (base !== undefined) {
    const [, rest = base] = split(base.replace(/\/+$/, ''), '://');
    return SCHEMES.map((scheme) => `${scheme}://${rest}`);
  }
  if (host === undefined || host === '') return [];
  const bare = host.replace(DEFAULT_PORT, '');
  const hosts = bare === host && /:\d+$/.test(host) ? [host] : [bare, `${bare}:443`, `${bare}:80`];
  return SCHEMES.flatMap((scheme) => hosts.map((each) => `${scheme}://${each}`));
};

const split = (text: string, by: string): [string, string | undefined] => {
  const at = text.indexOf(by);
  return at === -1 ? [text, undefined] : [text.slice(0, at), text.slice(at + by.length)];
};
