/**
 * Takes JSON bodies: bounded in size, depth and time, and without the keys that change what an object inherits (`__proto__`,
 * `constructor.prototype`). Of other types only those that a route adds a parser for are taken; all others are 415.
 */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { AppError } from '../core/errors.ts';

export type JsonBodyLimits = {
  readonly bytes: number;
  /** From the headers to the body's last byte. */
  readonly timeoutMs: number;
};

/** Deeper than any document of ours; what walks a body may recurse. */
const DEEPEST = 64;
const JSON_TYPE = /^application\/(?:x-)?json(?:\s*;|$)/i;
const FORBIDDEN_KEYS = 'the keys __proto__ and constructor.prototype are not taken';
const TOO_SLOW = 'HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n';

export const takeJsonBodies = (app: FastifyInstance, { bytes, timeoutMs }: JsonBodyLimits): void => {
  const parse = app.getDefaultJsonParser('error', 'error');
  app.removeAllContentTypeParsers();
  app.addContentTypeParser(JSON_TYPE, { parseAs: 'string', bodyLimit: bytes }, (request, body, done) => {
    // Many clients name the type of a body that they don't send, with DELETE above all.
    if (body === '') return done(null, undefined);
    return parse(request, body as string, (error, value) => {
      if (error !== null) done(refused(isJson(body as string) ? FORBIDDEN_KEYS : 'All JSON must be valid'));
      else if (!isShallow(value)) done(refused(`JSON deeper than ${DEEPEST} levels`));
      else done(null, value);
    });
  });
  app.addHook('preParsing', async (request) => {
    if (JSON_TYPE.test(request.headers['content-type'] ?? '')) hurry(request, timeoutMs);
  });
};

/** The parser refuses both in one word; only what is JSON after all had a key that is not taken. */
const isJson = (text: string): boolean => {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
};

/** Kazoo's words (kazoo-contract §8.1). */
const refused = (message: string): AppError =>
  new AppError('FIELDS_INVALID', message, { details: { json: { invalid: { message, target: 'body' } } } });

/** Cuts off a sender that drags its body out. */
const hurry = ({ raw }: FastifyRequest, timeoutMs: number): void => {
  const timer = setTimeout(() => {
    if (!raw.complete) raw.socket.end(TOO_SLOW, () => raw.socket.destroy());
  }, timeoutMs);
  timer.unref();
  raw.once('end', () => clearTimeout(timer));
  raw.once('close', () => clearTimeout(timer));
};

const isShallow = (value: unknown): boolean => {
  const left: { readonly value: unknown; readonly depth: number }[] = [{ value, depth: 1 }];
  for (let item = left.pop(); item !== undefined; item = left.pop()) {
    if (typeof item.value !== 'object' || item.value === null) continue;
    if (item.depth > DEEPEST) return false;
    for (const child of Object.values(item.value)) left.push({ value: child, depth: item.depth + 1 });
  }
  return true;
};
