/**
 * A metaflows document from a client: judged as a whole, with the targets its codes would send recordings to, and given back as it is
 * stored: Kazoo's defaults written out, and strings that spell numbers and booleans taken for those, as Kazoo does. Pure.
 */
import { echoMetaflows, parseMetaflows } from '../control/metaflow-document.ts';
import { isObject, type JsonObject } from '../control/metaflow-node.ts';
import type { AllowList } from '../deliver/allow-list.ts';
import { clientChecks } from './record-call-data.ts';

/** @throws METAFLOWS_INVALID; `details` is the `FieldErrors` */
export const metaflowsFrom = (value: unknown, allow: AllowList): JsonObject =>
  // In an envelope, because what is in none is searched for one.
  echoMetaflows(parseMetaflows(isObject(value) ? { data: value } : value, clientChecks(allow)));
