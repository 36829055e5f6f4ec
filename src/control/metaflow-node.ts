/**
 * A node of a metaflows document: which module runs, its data, and its children (kazoo-contract §1.3). `record_call` is what runs
 * here, its data held strictly to our fields; Kazoo's other modules are accepted so that its documents fit, and not run. Pure.
 */

import { type FieldErrorList, type FieldPath, printable } from '../core/field-errors.ts';
import type { RecordCallFields } from '../core/record-call.ts';
import { checkRecordCallFields, type RecordCallChecks } from '../core/record-call-fields.ts';
import { Validator } from '../core/validation.ts';

export type JsonObject = Readonly<Record<string, unknown>>;

const OTHER_MODULES = [
  'audio_level',
  'break',
  'callflow',
  'hangup',
  'hold',
  'intercept',
  'move',
  'park',
  'play',
  'resume',
  'say',
  'transfer',
  'tts',
  'unpark',
] as const;

export type OtherModule = (typeof OTHER_MODULES)[number];

export type MetaflowNode = {
  readonly children: ReadonlyMap<string, MetaflowNode>;
  /** As it was given, unknown keys and all; coerced when that was asked for. */
  readonly json: JsonObject;
} & (
  | { readonly module: 'record_call'; readonly data: RecordCallFields }
  | { readonly module: OtherModule; readonly data: JsonObject }
);

/** What Kazoo's schema of `record_call` fills in; a missing `action` is therefore a toggle. */
export const RECORD_CALL_DEFAULTS = { action: 'toggle', record_on_answer: false, record_on_bridge: false } as const;

export type NodeOptions = RecordCallChecks;

const SCHEMA = new Validator<{ module: string; data?: JsonObject; children?: JsonObject }>({
  type: 'object',
  required: ['module'],
  properties: {
    module: { type: 'string', minLength: 1, maxLength: 64 },
    data: { type: 'object' },
    children: { type: 'object' },
  },
});

export const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/**
 * Reads the nodes of an object by key; the faulty ones are left out and told to `errors`.
 * @param value anything; nothing is read from what is no object. The caller has bounded its depth.
 */
export const readNodes = (
  value: unknown,
  errors: FieldErrorList,
  at: FieldPath,
  options: NodeOptions,
): Map<string, MetaflowNode> => {
  const nodes = new Map<string, MetaflowNode>();
  if (!isObject(value)) return nodes;
  for (const [key, child] of Object.entries(value)) {
    const node = readNode(child, errors, [...at, key], options);
    if (node !== undefined) nodes.set(key, node);
  }
  return nodes;
};

export const readNode = (
  value: unknown,
  errors: FieldErrorList,
  at: FieldPath,
  options: NodeOptions,
): MetaflowNode | undefined => {
  const node = SCHEMA.check(value, errors, at, options);
  // Goes on below a faulty node, so that all faults are found.
  const { module, data, children: below } = node ?? (isObject(value) ? value : {});
  const children = readNodes(below, errors, [...at, 'children'], options);
  const fields =
    module === 'record_call' && (data === undefined || isObject(data))
      ? checkRecordCallFields(data ?? {}, errors, [...at, 'data'], options)
      : undefined;
  if (node === undefined) return undefined;
  const json = { ...node, ...(node.children === undefined ? {} : { children: jsonOf(children) }) };
  if (isOtherModule(node.module)) return { module: node.module, data: node.data ?? {}, children, json };
  if (node.module !== 'record_call') {
    const name = printable(node.module);
    errors.add([...at, 'module'], 'error', {
      message: `unable to find metaflow schema for module ${name}`,
      value: name,
    });
    return undefined;
  }
  if (fields === undefined) return undefined;
  return {
    module: 'record_call',
    data: fields,
    children,
    json: node.data === undefined ? json : { ...json, data: fields },
  };
};

const isOtherModule = (name: string): name is OtherModule => (OTHER_MODULES as readonly string[]).includes(name);

/** The nodes as JSON, by key. */
export const jsonOf = (
  nodes: ReadonlyMap<string, MetaflowNode>,
  each: (node: MetaflowNode) => JsonObject = (node) => node.json,
): JsonObject => Object.fromEntries([...nodes].map(([key, node]) => [key, each(node)]));

/** A node as Kazoo answers it, its schema's defaults written out. */
export const echoNode = (node: MetaflowNode): JsonObject => ({
  ...node.json,
  ...(node.module === 'record_call' ? { data: { ...RECORD_CALL_DEFAULTS, ...node.data } } : {}),
  ...(node.json.children === undefined ? {} : { children: jsonOf(node.children, echoNode) }),
});
