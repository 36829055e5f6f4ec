/**
 * A metaflows document from a client: judged as a whole, with the targets its codes would send recordings to, and given back as it is
 * stored: Kazoo's defaults written out, and strings that spell numbers and booleans taken for those, as Kazoo does. Pure.
 */
import { echoMetaflows, type MetaflowsDocument, parseMetaflows } from '../control/metaflow-document.ts';
import { isObject, type JsonObject, type MetaflowNode } from '../control/metaflow-node.ts';
import { AppError } from '../core/errors.ts';
import { FieldErrorList, type FieldPath, renderFieldErrors } from '../core/field-errors.ts';
import type { AllowList } from '../deliver/allow-list.ts';
import { checkTarget } from './record-call-data.ts';

/** @throws METAFLOWS_INVALID; `details` is the `FieldErrors` */
export const metaflowsFrom = (value: unknown, allow: AllowList): JsonObject => {
  // In an envelope, because what is in none is searched for one.
  const document = parseMetaflows(isObject(value) ? { data: value } : value, { coerce: true });
  const errors = new FieldErrorList();
  checkTargets(document, allow, errors);
  if (errors.empty) return echoMetaflows(document);
  const details = errors.toJSON();
  throw new AppError('METAFLOWS_INVALID', `metaflows: ${renderFieldErrors(details)}`, { details });
};

const checkTargets = ({ numbers, patterns }: MetaflowsDocument, allow: AllowList, errors: FieldErrorList): void => {
  for (const [number, node] of numbers) checkNode(node, allow, errors, ['numbers', number]);
  for (const { pattern, node } of patterns) checkNode(node, allow, errors, ['patterns', pattern.source]);
};

/** The targets of one node and all below it. */
export const checkNode = (node: MetaflowNode, allow: AllowList, errors: FieldErrorList, at: FieldPath): void => {
  if (node.module === 'record_call') checkTarget(node.data, allow, errors, [...at, 'data']);
  for (const [key, child] of node.children) checkNode(child, allow, errors, [...at, 'children', key]);
};
