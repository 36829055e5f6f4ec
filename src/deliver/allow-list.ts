/** The setting `RECORD_CALL_ALLOW_TARGETS` (design §6.5): names, addresses and networks that targets may have besides public ones. Pure. */
import ipaddr from 'ipaddr.js';
import { AppError } from '../core/errors.ts';
import { type Address, inNetwork, type Network, parseAddress } from './public-address.ts';

export type AllowList = {
  /** Lower case, in ASCII (IDNA) form, without a trailing dot. */
  readonly names: ReadonlySet<string>;
  readonly networks: readonly Network[];
};

export const PUBLIC_ONLY: AllowList = { names: new Set(), networks: [] };

/** A host as it is compared: `Uploads.Example.` and `uploads.example` are one name. `undefined`: not a host. */
export const canonicalName = (host: string): string | undefined => {
  if (host === '' || /[\s/\\?#@:[\]%*]/.test(host)) return undefined;
  const url = `http://${host}/`;
  return URL.canParse(url) ? new URL(url).hostname.replace(/\.$/, '') : undefined;
};

const parseNetwork = (entry: string): Network | undefined => {
  const slash = entry.indexOf('/');
  const address = parseAddress((slash === -1 ? entry : entry.slice(0, slash)).replace(/^\[(.*)\]$/, '$1'));
  if (!address) return undefined;
  const widest = address.kind() === 'ipv4' ? 32 : 128;
  if (slash === -1) return [address, widest];
  const bits = entry.slice(slash + 1);
  return /^\d{1,3}$/.test(bits) && Number(bits) <= widest ? [address, Number(bits)] : undefined;
};

/**
 * @param text comma-separated: `uploads.internal, 10.1.2.3, fd00::/8`. Empty entries are passed over.
 * @throws CONFIG_INVALID naming the entry that is none of the three.
 */
export const parseAllowList = (text: string): AllowList => {
  const names = new Set<string>();
  const networks: Network[] = [];
  for (const entry of text.split(',').map((part) => part.trim())) {
    if (entry === '') continue;
    const network = parseNetwork(entry);
    // A name is put through the URL parser, which would read `127.1` or `0x7f000001` as an address: those must be written out.
    const name = network ? undefined : canonicalName(entry);
    if (network) networks.push(network);
    else if (name !== undefined && !ipaddr.isValid(name)) names.add(name);
    else
      throw new AppError(
        'CONFIG_INVALID',
        `RECORD_CALL_ALLOW_TARGETS: "${entry}" is no host name, address or network (such as 10.0.0.0/8)`,
      );
  }
  return { names, networks };
};

/** The same list for `parseAllowList`, in another thread. */
export const writeAllowList = ({ names, networks }: AllowList): string =>
  [...names, ...networks.map(([address, bits]) => `${address.toString()}/${bits}`)].join(',');

export const allowsName = (list: AllowList, host: string): boolean => {
  const name = canonicalName(host);
  return name !== undefined && list.names.has(name);
};

export const allowsAddress = (list: AllowList, address: Address): boolean =>
  list.networks.some((network) => inNetwork(address, network));
