/**
 * A customer's target that keeps every body it was ever sent whole, and says which recording each was. It takes its time to answer, so that a
 * sender can die before, in and after the body, and before it learns that it was taken.
 */
import { createHash } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { join } from 'node:path';
import { setTimeout as rest } from 'node:timers/promises';
import { listenOn } from '../support/http-listen.ts';
import type { Dice } from './dice.ts';

const LONGEST_ANSWER_MS = 60;

export type Body = {
  readonly recordingId: string;
  readonly callId: string;
  readonly key: string;
  readonly bytes: number;
  readonly sha256: string;
  /** Where the first with these bytes is. */
  readonly path: string;
};

export type Upload = { readonly callId: string; readonly recordingId: string };

export class KeepingTarget {
  readonly bodies: Body[] = [];
  /** A request for it has come; `onEnd`: it is over, answered or not. */
  onBegin: (upload: Upload) => void = () => {};
  onEnd: (upload: Upload) => void = () => {};
  /** Bodies that broke off. */
  cut = 0;
  url = '';
  readonly #folder: string;
  readonly #dice: Dice;
  #close = async (): Promise<void> => {};

  private constructor(folder: string, dice: Dice) {
    this.#folder = folder;
    this.#dice = dice;
  }

  static async start(folder: string, dice: Dice): Promise<KeepingTarget> {
    mkdirSync(folder);
    const target = new KeepingTarget(folder, dice);
    const server = createServer((request, response) => void target.#take(request, response));
    const { url, close } = await listenOn(server);
    target.url = `${url}/uploads`;
    target.#close = close;
    return target;
  }

  close(): Promise<void> {
    return this.#close();
  }

  async #take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const query = new URL(request.url ?? '/', 'http://target').searchParams;
    const upload = { callId: query.get('call_id') ?? '', recordingId: query.get('recording_id') ?? '' };
    const answerMs = this.#dice.between(0, LONGEST_ANSWER_MS);
    this.onBegin(upload);
    try {
      const body = await readWhole(request);
      if (body === undefined) this.cut++;
      else {
        await this.#keep(upload, String(request.headers['idempotency-key']), body);
        await rest(answerMs);
        response.writeHead(201).end();
      }
    } finally {
      this.onEnd(upload);
    }
  }

  async #keep(upload: Upload, key: string, body: Buffer): Promise<void> {
    const sha256 = createHash('sha256').update(body).digest('hex');
    const same = this.bodies.find((each) => each.recordingId === upload.recordingId && each.sha256 === sha256);
    const path = same?.path ?? join(this.#folder, `${upload.recordingId}-${this.bodies.length}`);
    this.bodies.push({ ...upload, key, bytes: body.length, sha256, path });
    if (same === undefined) await writeFile(path, body);
  }
}

/** @returns undefined when it broke off, or is not as long as was said. */
const readWhole = async (request: IncomingMessage): Promise<Buffer | undefined> => {
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of request) chunks.push(chunk);
  } catch {
    return undefined;
  }
  const body = Buffer.concat(chunks);
  return request.complete && body.length === Number(request.headers['content-length']) ? body : undefined;
};
