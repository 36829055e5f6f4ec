/** Bencoding, as rtpengine's control protocol has it: text, whole numbers, lists, dictionaries with sorted keys. Pure. */

export type Bencodable = string | number | readonly Bencodable[] | { readonly [key: string]: Bencodable };

export const bencode = (value: Bencodable): string => {
  if (typeof value === 'number') return `i${value}e`;
  if (typeof value === 'string') return `${Buffer.byteLength(value)}:${value}`;
  if (isList(value)) return `l${value.map(bencode).join('')}e`;
  const keys = Object.keys(value).sort();
  return `d${keys.map((key) => bencode(key) + bencode(value[key])).join('')}e`;
};

const isList = (value: Bencodable): value is readonly Bencodable[] => Array.isArray(value);
