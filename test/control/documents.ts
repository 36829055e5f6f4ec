/** Metaflows documents for tests: record_call nodes told apart by their label. */
import { parseMetaflows } from '../../src/control/metaflow-document.ts';
import type { MetaflowNode } from '../../src/control/metaflow-node.ts';

export const recordCall = (action: string) => ({ module: 'record_call', data: { action } });

/** `{'72': 'mask'}` → numbers that run record_call with that action. */
export const numbers = (actions: Readonly<Record<string, string>>) =>
  Object.fromEntries(Object.entries(actions).map(([code, action]) => [code, recordCall(action)]));

/** A document whose every node carries its own key as label, so that what matched can be told. */
export const labelled = (codes: readonly string[], patterns: readonly string[], rest: object = {}) => {
  const nodes = (keys: readonly string[]) =>
    Object.fromEntries(keys.map((key) => [key, { module: 'record_call', data: { label: key } }]));
  return parseMetaflows({ numbers: nodes(codes), patterns: nodes(patterns), ...rest });
};

export const labelOf = (node: MetaflowNode): string => String(node.data.label);
