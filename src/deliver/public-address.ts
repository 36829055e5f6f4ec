/**
 * Says whether an IP address belongs to the public internet (IANA special-purpose registries, RFC 6890), looking through the IPv6
 * forms that carry an IPv4 address. Pure: never resolves a name.
 */
import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';

export type Address = ipaddr.IPv4 | ipaddr.IPv6;
export type Network = readonly [Address, number];

/** Public by its number, yet it is Azure's own service inside every virtual machine, keys and all. */
const AZURE_WIRE_SERVER = '168.63.129.16';

/** RFC 4291 §2.4: all global unicast there is. Leaves out `::/96`, where IPv4-compatible addresses (RFC 4291 §2.5.5.1) hide. */
const GLOBAL_UNICAST: Network = ipaddr.parseCIDR('2000::/3');

/** RFC 6052 §2.1: what a NAT64 gateway turns into the IPv4 address in the last 32 bits. */
const NAT64: Network = ipaddr.parseCIDR('64:ff9b::/96');

/** An IPv4-mapped address (`::ffff:10.0.0.1`) is the IPv4 address that the kernel will dial. `undefined`: no address at all. */
export const parseAddress = (text: string): Address | undefined =>
  isIP(text) === 0 ? undefined : ipaddr.process(text);

export const inNetwork = (address: Address, [network, bits]: Network): boolean =>
  address.kind() === network.kind() && address.match(network, bits);

export const isPublic = (address: Address): boolean => {
  if (address.kind() === 'ipv4') return address.range() === 'unicast' && address.toString() !== AZURE_WIRE_SERVER;
  if (inNetwork(address, NAT64)) return isPublic(ipaddr.fromByteArray(address.toByteArray().slice(-4)));
  return inNetwork(address, GLOBAL_UNICAST) && address.range() === 'unicast';
};
