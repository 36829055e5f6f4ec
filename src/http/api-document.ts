/** Completes the description that the routes' schemas make: names of operations, and the refusals they can be answered with. Pure. */
import { meaningOf, nameOf, refusalsOf } from './api-refusals.ts';
import { operationId } from './operation-id.ts';

type Operation = { readonly requestBody?: unknown; readonly responses?: Readonly<Record<string, unknown>> };

/** As much of OpenAPI's as is looked at. */
export type IncompleteDocument = {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components?: Readonly<Record<string, unknown>>;
};

const CONTENT = { 'application/json': { schema: { $ref: '#/components/schemas/Refusal' } } };

export const completeDocument = (document: IncompleteDocument): object => {
  const responses = new Map<string, object>();
  const refusedAs = (method: string, path: string, operation: Operation): Record<string, object> => {
    const refusals = [...refusalsOf(method, path, operation.requestBody !== undefined)].map(([status, codes]) => {
      const name = nameOf(codes);
      responses.set(name, { description: meaningOf(codes), content: CONTENT });
      return [status, { $ref: `#/components/responses/${name}` }] as const;
    });
    return Object.fromEntries(refusals);
  };
  const paths = Object.entries(document.paths).map(([path, methods]) => {
    const operations = Object.entries(methods).map(([method, operation]) => [
      method,
      {
        operationId: operationId(method, path),
        ...operation,
        responses: { ...operation.responses, ...refusedAs(method, path, operation) },
      },
    ]);
    return [path, Object.fromEntries(operations)];
  });
  return {
    ...document,
    paths: Object.fromEntries(paths),
    components: { ...document.components, responses: Object.fromEntries(responses) },
  };
};
