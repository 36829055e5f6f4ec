/**
 * Takes one upload, raw or multipart/form-data (RFC 7578), into the store: all of its files or none. Checks Content-Digest
 * (RFC 9530) and keeps a repeated Idempotency-Key from storing twice. Knows nothing of faults and answers nobody.
 */
import type { Hash } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import { createDigest, type DigestAlgorithm, parseContentDigest } from '../deliver/content-digest.ts';
import { lastSegment, safeName } from './upload-target-name.ts';
import type { Staged, UploadStore } from './upload-target-store.ts';

/** One file that was stored. */
export type Received = {
  /** In the target's folder. */
  readonly name: string;
  readonly bytes: number;
  /** Hexadecimal. */
  readonly sha256: string;
  readonly contentType: string;
  readonly method: string;
  /** The `X-Recording-Id` field; empty when there was none. */
  readonly recordingId: string;
  /** ISO 8601, UTC. */
  readonly receivedAt: string;
};

export type Intake =
  | { readonly kind: 'stored' | 'repeated'; readonly files: readonly Received[] }
  | { readonly kind: 'refused'; readonly status: number; readonly why: string };

type Wanted = { readonly staged: Staged; readonly name: string; readonly contentType: string };

/** How many Idempotency-Keys are remembered; the oldest is forgotten first. */
const MAX_KEYS = 10_000;

const NO_CLAIMS: ReadonlyMap<DigestAlgorithm, Buffer> = new Map();

const refused = (status: number, why: string): Intake => ({ kind: 'refused', status, why });

const field = (request: FastifyRequest, name: string): string => String(request.headers[name] ?? '');

/** Counts the body of one upload and digests it by the algorithms that its sender used. */
class Tally {
  bytes = 0;
  readonly #claims: ReadonlyMap<DigestAlgorithm, Buffer>;
  readonly #hashes: ReadonlyMap<DigestAlgorithm, Hash>;

  constructor(claims: ReadonlyMap<DigestAlgorithm, Buffer>) {
    this.#claims = claims;
    this.#hashes = new Map([...claims.keys()].map((algorithm) => [algorithm, createDigest(algorithm)]));
  }

  add(chunk: Buffer): void {
    this.bytes += chunk.length;
    for (const hash of this.#hashes.values()) hash.update(chunk);
  }

  /** Ends the tally. */
  agrees(): boolean {
    return [...this.#hashes].every(([algorithm, hash]) => this.#claims.get(algorithm)!.equals(hash.digest()));
  }
}

export class UploadIntake {
  readonly #store: UploadStore;
  readonly #limitBytes: number;
  readonly #now: () => number;
  readonly #seen = new Map<string, { readonly print: string; readonly files: readonly Received[] }>();
  #turn: Promise<unknown> = Promise.resolve();

  /**
   * @param limitBytes the largest body that is taken.
   * @param now milliseconds since the Unix epoch.
   */
  constructor(store: UploadStore, limitBytes: number, now: () => number) {
    this.#store = store;
    this.#limitBytes = limitBytes;
    this.#now = now;
  }

  /** Rejects when the sender went away, the disk failed or the form is malformed; nothing is kept then. */
  async take(request: FastifyRequest): Promise<Intake> {
    const claim = field(request, 'content-digest');
    const claims = claim === '' ? NO_CLAIMS : parseContentDigest(claim);
    if (!claims) return refused(400, 'the Content-Digest field is malformed');
    if (Number(field(request, 'content-length')) > this.#limitBytes) return this.#tooLarge();

    const tally = new Tally(claims);
    const wanted: Wanted[] = [];
    let kept = false;
    try {
      const whole = request.isMultipart()
        ? await this.#stageForm(request, tally, wanted)
        : await this.#stageRaw(request, tally, wanted);
      if (!whole) return this.#tooLarge();
      if (wanted.length === 0 || tally.bytes === 0) return refused(400, 'the request holds no file');
      if (!tally.agrees()) return refused(400, 'the body is not the one that Content-Digest describes');
      const intake = await this.#alone(() => this.#keep(request, wanted));
      kept = intake.kind === 'stored';
      return intake;
    } finally {
      if (!kept) await Promise.all(wanted.map(({ staged }) => this.#store.discard(staged)));
    }
  }

  #tooLarge(): Intake {
    return refused(413, `more than ${this.#limitBytes} bytes`);
  }

  async #stageRaw(request: FastifyRequest, tally: Tally, wanted: Wanted[]): Promise<boolean> {
    const staged = await this.#store.stage(request.raw, (chunk) => {
      tally.add(chunk);
      return tally.bytes <= this.#limitBytes;
    });
    const contentType = field(request, 'content-type');
    if (staged) wanted.push({ staged, contentType, name: safeName(lastSegment(request.originalUrl), contentType) });
    return staged !== undefined;
  }

  async #stageForm(request: FastifyRequest, tally: Tally, wanted: Wanted[]): Promise<boolean> {
    // The digest covers the whole form, so its bytes are seen on their way to the parser, which attaches in this same turn.
    request.raw.on('data', (chunk: Buffer) => tally.add(chunk));
    for await (const part of request.parts()) {
      if (part.type !== 'file') continue;
      const staged = await this.#store.stage(part.file, () => tally.bytes <= this.#limitBytes);
      if (!staged) return false;
      wanted.push({ staged, contentType: part.mimetype, name: safeName(part.filename ?? '', part.mimetype) });
    }
    return tally.bytes <= this.#limitBytes;
  }

  /** Two uploads with one key must not both be the first. */
  #alone<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#turn.then(work);
    this.#turn = done.catch(() => {});
    return done;
  }

  async #keep(request: FastifyRequest, wanted: readonly Wanted[]): Promise<Intake> {
    const key = field(request, 'idempotency-key');
    const print = wanted.map(({ staged }) => staged.sha256).join();
    const before = key === '' ? undefined : this.#seen.get(key);
    if (before) {
      return before.print === print
        ? { kind: 'repeated', files: before.files }
        : refused(422, 'the Idempotency-Key was used for another body');
    }
    const files: Received[] = [];
    for (const { staged, name, contentType } of wanted) {
      files.push({
        name: await this.#store.commit(staged, name),
        bytes: staged.bytes,
        sha256: staged.sha256,
        contentType,
        method: request.method,
        recordingId: field(request, 'x-recording-id'),
        receivedAt: new Date(this.#now()).toISOString(),
      });
    }
    if (key !== '') this.#seen.set(key, { print, files });
    if (this.#seen.size > MAX_KEYS) this.#seen.delete(this.#seen.keys().next().value!);
    return { kind: 'stored', files };
  }
}
