/** `/docs`: the API's description as one page, written on the server. Loads nothing and runs nothing. Pure. */
import { createHash } from 'node:crypto';
import type { Definitions } from './docs-fields.ts';
import { FIRST_CALL, firstCallHtml } from './docs-first-call.ts';
import { type Operation, operationHtml, type Placed, schemaHtml } from './docs-operation.ts';
import { escaped, prose, proseBlocks } from './docs-prose.ts';
import { DOCS_STYLE } from './docs-style.ts';

/** As much of OpenAPI 3.1 as the page shows. */
export type ApiDocument = {
  readonly info: { readonly title: string; readonly version: string; readonly description?: string };
  readonly tags?: readonly { readonly name: string; readonly description?: string }[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components?: {
    readonly schemas?: Definitions;
    readonly responses?: NonNullable<Operation['responses']>;
  };
};

/** @returns the page, and the only policy it needs (CSP). */
export const docsPage = (api: ApiDocument): { readonly html: string; readonly policy: string } => {
  const { title, version, description = '' } = api.info;
  const schemas = api.components?.schemas ?? {};
  const sections = (api.tags ?? []).flatMap(({ name, description: about = '' }) => {
    const operations = operationsOf(api, name).map((each) => operationHtml(each, schemas));
    return operations.length === 0 ? [] : [{ name, html: `<p class="soft">${prose(about)}</p>${operations.join('')}` }];
  });
  const named = Object.entries(schemas).map(([name, schema]) => schemaHtml(name, schema));
  const first = { name: FIRST_CALL, html: firstCallHtml() };
  const all = [first, ...sections, ...(named.length === 0 ? [] : [{ name: 'schemas', html: named.join('') }])];
  const html = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escaped(title)} API</title><style>${DOCS_STYLE}</style></head>
<body><div class="page"><nav aria-label="Sections">${all.map(({ name }) => `<a href="#${escaped(name)}">${escaped(name)}</a>`).join('')}
<a href="/openapi.json">openapi.json</a></nav>
<main><h1>${escaped(title)}</h1><p class="soft">version ${escaped(version)}</p>${proseBlocks(description)}
${all.map(({ name, html: content }) => `<section><h2 id="${escaped(name)}">${escaped(name)}</h2>${content}</section>`).join('\n')}
</main></div></body></html>
`;
  const style = createHash('sha256').update(DOCS_STYLE).digest('base64');
  return { html, policy: `default-src 'none'; style-src 'sha256-${style}'; base-uri 'none'; frame-ancestors 'none'` };
};

const operationsOf = (api: ApiDocument, tag: string): Placed[] =>
  Object.entries(api.paths).flatMap(([path, methods]) =>
    Object.entries(methods)
      .filter(([, operation]) => operation.tags?.includes(tag))
      .map(([method, operation]) => ({ method, path, operation: withResponses(operation, api) })),
  );

const SHARED = '#/components/responses/';

/** What it is answered with, in full where the document refers to what operations share. */
const withResponses = (operation: Operation, { components }: ApiDocument): Operation => {
  const responses = Object.entries(operation.responses ?? {}).map(([status, response]) => {
    const shared = response.$ref?.startsWith(SHARED) ? response.$ref.slice(SHARED.length) : '';
    return [status, components?.responses?.[shared] ?? response];
  });
  return { ...operation, responses: Object.fromEntries(responses) };
};
