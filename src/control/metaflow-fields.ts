import type { RecordCallFields } from '../core/record-call.ts';
import type { MetaflowsDocument } from './metaflow-document.ts';
import type { MetaflowNode } from './metaflow-node.ts';

/** The `record_call` fields of every node of a document, children too: what there is to check before any code is typed. */
export const recordCallFieldsOf = ({ numbers, patterns }: MetaflowsDocument): RecordCallFields[] =>
  [...numbers.values(), ...patterns.map(({ node }) => node)].flatMap(fieldsOf);

const fieldsOf = (node: MetaflowNode): RecordCallFields[] => [
  ...(node.module === 'record_call' ? [node.data] : []),
  ...[...node.children.values()].flatMap(fieldsOf),
];
