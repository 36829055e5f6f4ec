/** One operation of the API, and one named schema, in HTML. Pure; every text is escaped. */
import { curlLine } from './docs-curl.ts';
import {
  type Definitions,
  type FieldRow,
  type FieldType,
  fieldRows,
  type JsonSchema,
  resolved,
  typeOf,
} from './docs-fields.ts';
import { escaped, prose, proseBlocks } from './docs-prose.ts';

type Content = Readonly<Record<string, { readonly schema?: JsonSchema; readonly example?: unknown }>>;

/** As much of OpenAPI 3.1's as is shown. */
export type Operation = {
  readonly tags?: readonly string[];
  readonly summary?: string;
  readonly description?: string;
  readonly security?: readonly object[];
  readonly parameters?: readonly {
    readonly name: string;
    readonly in: string;
    readonly required?: boolean;
    readonly description?: string;
    readonly schema?: JsonSchema;
  }[];
  readonly requestBody?: { readonly content: Content };
  readonly responses?: Readonly<
    Record<string, { readonly $ref?: string; readonly description?: string; readonly content?: Content }>
  >;
};

export type Placed = { readonly method: string; readonly path: string; readonly operation: Operation };

export const operationHtml = ({ method, path, operation }: Placed, definitions: Definitions): string => {
  const { summary = '', description, parameters = [], requestBody, responses = {}, security } = operation;
  const given = parameters.map(({ name, in: place, required = false, schema = {}, ...rest }) => {
    const [row] = fieldRows({ properties: { [name]: { ...schema, ...rest } }, required: required ? [name] : [] });
    return rowHtml(row!, `${place} `);
  });
  const bodies = Object.entries(requestBody?.content ?? {}).map(([type, { schema = {}, example }]) => {
    const rows = bodyRows(resolved(schema, definitions), definitions);
    return `<h3>Body, ${escaped(type)}</h3>${table(rows.map((row) => rowHtml(row)))}${exampleHtml(example ?? schema.examples?.[0])}`;
  });
  const answers = Object.entries(responses).map(([status, { description: about = '', content = {} }]) => {
    const schema = Object.values(content)[0]?.schema ?? {};
    return `<tr><td><code>${escaped(status)}</code></td><td class="type">${typeHtml(answerType(schema))}</td><td>${prose(about)}</td></tr>`;
  });
  return `<details><summary><span class="verb ${escaped(method)}">${escaped(method.toUpperCase())}</span><code>${escaped(path)}</code>
<span class="what">${prose(summary)}</span></summary><div class="body">${description === undefined ? '' : proseBlocks(description)}
${security?.length === 0 ? '<p class="soft">Needs no key.</p>' : ''}
${given.length === 0 ? '' : `<h3>Parameters</h3>${table(given)}`}${bodies.join('')}
${answers.length === 0 ? '' : `<h3>Answers</h3>${table(answers)}`}
<pre class="curl">${escaped(curlLine({ method, path, operation }))}</pre></div></details>`;
};

export const schemaHtml = (name: string, schema: JsonSchema): string =>
  `<h3 class="name" id="schema-${escaped(name)}">${escaped(name)}</h3>${
    schema.description === undefined ? '' : `<p class="soft">${prose(schema.description)}</p>`
  }${table(fieldRows(schema).map((row) => rowHtml(row)))}`;

/** The envelope's fields; a named schema in `data` is gone into, because that is what the body is about. */
const bodyRows = (envelope: JsonSchema, definitions: Definitions): FieldRow[] =>
  fieldRows(envelope).flatMap((row) =>
    row.path === 'data' && row.type.name !== undefined
      ? [row, ...fieldRows(definitions[row.type.name] ?? {}, row.path)]
      : [row],
  );

/** What `data` is; the rest of an envelope is the same everywhere. */
const answerType = ({ allOf, ...schema }: JsonSchema): FieldType => {
  const data = [schema, ...(allOf ?? [])].map(({ properties }) => properties?.data).find((each) => each !== undefined);
  return typeOf(data ?? schema);
};

const typeHtml = ({ words, name }: FieldType): string =>
  name === undefined
    ? escaped(words)
    : `${escaped(words)} <a href="#schema-${escaped(name)}">${escaped(name)}</a>`.trimStart();

const rowHtml = ({ path, type, required, notes }: FieldRow, before = ''): string =>
  `<tr><td><code>${escaped(path)}</code>${required ? ' <span class="must" title="required">*</span>' : ''}</td><td class="type">${before}${typeHtml(type)}</td><td>${notes
    .map(prose)
    .join('<br>')}</td></tr>`;

const table = (rows: readonly string[]): string =>
  rows.length === 0 ? '' : `<div class="scroll"><table>${rows.join('')}</table></div>`;

const exampleHtml = (example: unknown): string =>
  example === undefined ? '' : `<pre>${escaped(JSON.stringify(example, null, 2))}</pre>`;
