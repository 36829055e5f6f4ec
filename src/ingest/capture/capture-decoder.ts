/** A capture's bytes in, its datagrams out, whichever format it is. Pure: the file, its name and its packing are others' business. */
import { AppError } from '../../core/errors.ts';
import type { Datagram } from '../datagram.ts';
import type { CaptureParser } from './capture-parser.ts';
import { DatagramDecoder } from './datagram-decoder.ts';
import { PcapParser } from './pcap-parser.ts';
import { PcapngParser } from './pcapng-parser.ts';

/** Formats that are brought here by mistake, by how their files begin, and the way out. */
const OTHER_FORMATS: readonly (readonly [head: string, what: string])[] = [
  ['28b52ffd', 'zstd data; unpack it first'],
  ['fd377a58', 'xz data; unpack it first'],
  ['425a68', 'bzip2 data; unpack it first'],
  ['504b0304', 'a zip archive; unpack it first'],
  ['1f8b', 'gzip data inside gzip; unpack it first'],
  ['736e6f6f', 'a snoop capture; convert it with editcap -F pcapng'],
  ['52494646', 'a WAV or AVI file, not a capture'],
];

/** Capture times beyond this, in 2255, can't be told to the microsecond any more; a wrong clock's may be later than any date. */
const LAST_US = Number.MAX_SAFE_INTEGER;
const MISTIMED = 'before 1970 or after 2255';

export type CaptureReport = {
  /** Whole packets read, of any kind. */
  packets: number;
  /** UDP datagrams and TCP segments delivered. */
  datagrams: number;
  /** Packets the capture kept only in part, delivered (marked `cut`) or not. The warnings don't tell of them. */
  cut: number;
  /** One line each. */
  warnings: string[];
};

export class CaptureDecoder {
  readonly #name: string;
  readonly #datagrams = new DatagramDecoder();
  #parser: CaptureParser | undefined;
  /** The first bytes, while they are too few to tell the format. */
  #head: Buffer = Buffer.alloc(0);
  #mistimed = 0;

  /** @param name of the file, for error texts. */
  constructor(name: string) {
    this.#name = name;
  }

  /** Nothing behind the bytes so far can be read: there is no use in pushing more. */
  get stopped(): boolean {
    return this.#parser?.ending.kind === 'damaged';
  }

  /**
   * Takes the next bytes, split anywhere. The payloads of the answer are views into `chunk`.
   * @throws AppError CAPTURE_UNREADABLE when the first bytes are no capture's
   */
  push(chunk: Buffer): readonly Datagram[] {
    if (this.#parser) {
      this.#parser.push(chunk);
    } else {
      this.#head = Buffer.concat([this.#head, chunk]);
      if (this.#head.length < 4) return [];
      this.#parser = this.#parserFor(this.#head);
      this.#parser.push(this.#head);
      this.#head = Buffer.alloc(0);
    }
    return this.#datagrams.takeBatch();
  }

  /**
   * Call when no more bytes will come.
   * @param sourceWarning why the source of the bytes ended early, if it did
   * @param place what positions count in, when it isn't the file's own bytes
   * @throws AppError CAPTURE_UNREADABLE when not even the start of a capture could be read
   */
  finish(sourceWarning?: string, place = ''): CaptureReport {
    const parser = this.#parser;
    const ending = parser?.ending;
    if (!parser?.opened && sourceWarning) {
      throw this.#unreadable(`${sourceWarning}, before any packet; copy or capture it again`);
    }
    if (!parser || !ending) throw this.#unreadable('too short for a pcap or pcapng capture; capture it again');
    const warnings: string[] = [];
    const soFar = `whole packets read: ${parser.packets}`;
    if (ending.kind === 'damaged') {
      const where = `damaged at byte ${ending.atByte}${place} (${ending.what})`;
      if (parser.packets === 0) throw this.#unreadable(`${where}, before any packet; copy or capture it again`);
      warnings.push(`${soFar}; ${where}, what follows was not read`);
    } else if (!parser.opened) {
      throw this.#unreadable('ends inside its file header; copy or capture it again');
    } else if (sourceWarning) {
      warnings.push(`${soFar}; ${sourceWarning}`);
    } else if (ending.kind === 'cut') {
      warnings.push(`${soFar}; the file ends inside a record at byte ${ending.atByte}${place}`);
    }
    if (this.#mistimed > 0) {
      if (this.#mistimed === parser.packets) {
        throw this.#unreadable(`every capture time in it is ${MISTIMED}; mend its times with editcap -t`);
      }
      warnings.push(`packets skipped because their capture time is ${MISTIMED}: ${this.#mistimed}`);
    }
    if (parser.untimed > 0) {
      warnings.push(
        `packets without a capture time (Simple Packet Blocks), placed with those before: ${parser.untimed}`,
      );
    }
    warnings.push(...this.#datagrams.warnings);
    return { ...this.counts, warnings };
  }

  /** What was read so far. */
  get counts(): Omit<CaptureReport, 'warnings'> {
    return {
      packets: this.#parser?.packets ?? 0,
      datagrams: this.#datagrams.datagrams,
      cut: this.#datagrams.cut,
    };
  }

  #parserFor(head: Buffer): CaptureParser {
    const decoder = this.#datagrams;
    const sink: Parameters<typeof PcapParser.for>[1] = (bytes, start, end, atUs, linkType, cut) => {
      if (atUs >= 0 && atUs <= LAST_US) decoder.decode(bytes, start, end, atUs, linkType, cut);
      else this.#mistimed++;
    };
    const parser = PcapParser.for(head, sink) ?? PcapngParser.for(head, sink);
    if (parser) return parser;
    const start = head.toString('hex', 0, 4);
    const other = OTHER_FORMATS.find(([magic]) => start.startsWith(magic));
    throw this.#unreadable(
      other
        ? `this is ${other[1]}`
        : 'this is no pcap or pcapng capture; make one with tcpdump -w, or convert with editcap',
    );
  }

  #unreadable(what: string): AppError {
    return new AppError('CAPTURE_UNREADABLE', `${this.#name}: ${what}`);
  }
}
