/** Makes a file name of what a stranger sent. Pure: what comes out is one path segment, visible, short, and ordinary on every system. */

/** Leaves room for `-2` and the like within the 255 bytes of most file systems. */
const MAX_BYTES = 200;

/** Names that are devices on Windows, with any extension. */
const DEVICE = /^(con|prn|aux|nul|com[0-9]|lpt[0-9])(\.|$)/i;

const EXTENSIONS: ReadonlyMap<string, string> = new Map([
  ['audio/mpeg', '.mp3'],
  ['audio/mp3', '.mp3'],
  ['audio/wav', '.wav'],
  ['audio/x-wav', '.wav'],
]);

const decoded = (segment: string): string => {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment; // A stray `%` was meant literally.
  }
};

/** The last segment of a request target, query string left out; empty when the path ends in nothing but slashes. */
export const lastSegment = (requestTarget: string): string => {
  const path = requestTarget.split(/[?#]/, 1)[0]!;
  return decoded(path.replace(/\/+$/, '').split('/').at(-1)!);
};

/** Stem and extension: `a.tar.gz` is `a.tar` and `.gz`; a long or odd tail counts as stem. */
export const splitExtension = (name: string): readonly [string, string] => {
  const match = /^(.+)(\.[A-Za-z0-9]{1,10})$/s.exec(name);
  return match ? [match[1]!, match[2]!] : [name, ''];
};

const shorten = (stem: string, maxBytes: number): string => {
  let bytes = 0;
  let end = 0;
  for (const character of stem) {
    bytes += Buffer.byteLength(character);
    if (bytes > maxBytes) break;
    end += character.length;
  }
  return stem.slice(0, end);
};

/**
 * @param wanted as the sender named the file; separators in it are replaced, so that no part of it is a folder.
 * @param contentType gives an extension to a name that has none.
 */
export const safeName = (wanted: string, contentType: string): string => {
  const plain = wanted
    .normalize('NFC')
    .replace(/[^\p{L}\p{N}._@+=-]/gu, '_')
    // A leading dot hides the file or climbs; a leading dash reads as an option; Windows drops a trailing dot.
    .replace(/^[.-]+|\.+$/g, '');
  const named = DEVICE.test(plain) ? `_${plain}` : plain;
  const [stem, extension] = splitExtension(named);
  const type = contentType.split(';', 1)[0]!.trim().toLowerCase();
  const ending = extension === '' ? (EXTENSIONS.get(type) ?? '') : extension;
  return shorten(/[^_]/.test(stem) ? stem : 'upload', MAX_BYTES - ending.length) + ending;
};

/** `name.mp3`, `name-2.mp3`, `name-3.mp3` … for count 1, 2, 3 … */
export const numberedName = (name: string, count: number): string => {
  if (count === 1) return name;
  const [stem, extension] = splitExtension(name);
  return `${stem}-${count}${extension}`;
};
