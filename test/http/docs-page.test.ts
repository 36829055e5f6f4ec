import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { fieldRows } from '../../src/http/docs-fields.ts';
import { type ApiDocument, docsPage } from '../../src/http/docs-page.ts';

const document = (text: string): ApiDocument => ({
  info: { title: text, version: text, description: text },
  tags: [
    { name: 'calls', description: text },
    { name: 'empty', description: 'no operation has it' },
  ],
  components: { schemas: { Leg: { type: 'object', properties: { port: { type: 'integer', minimum: 1 } } } } },
  paths: {
    '/v2/calls/{id}': {
      put: {
        tags: ['calls'],
        summary: text,
        description: text,
        parameters: [{ name: text, in: 'path', required: true, description: text }],
        requestBody: {
          content: {
            'application/json': {
              schema: {
                type: 'object',
                required: ['data'],
                properties: { data: { $ref: '#/components/schemas/Leg' } },
                examples: [{ data: { note: text } }],
              },
            },
          },
        },
        responses: {
          201: {
            description: text,
            content: { 'application/json': { schema: { properties: { data: { $ref: '#/components/schemas/Leg' } } } } },
          },
        },
      },
      get: { tags: ['calls'], summary: 'Look', security: [] },
    },
  },
});

describe('the page of the API', () => {
  test('shows every operation with its parameters, fields and answers', () => {
    const { html } = docsPage(document('Announce it'));
    for (const piece of [
      'PUT',
      'GET',
      '/v2/calls/{id}',
      'Announce it',
      'data.port',
      'at least 1',
      '201',
      'Needs no key',
    ])
      expect(html).toContain(piece);
    expect(html).not.toContain('id="empty"');
  });

  test('lets the browser load nothing, and use no style but its own', () => {
    const { html, policy } = docsPage(document('x'));
    const sheet = /<style>(.*)<\/style>/s.exec(html)?.[1] ?? '';
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain(`'sha256-${createHash('sha256').update(sheet).digest('base64')}'`);
    expect(policy).not.toContain('unsafe');
    expect(html).not.toMatch(/<script|<link|<img|<iframe|style="| on\w+=|url\(|@import|https?:/);
  });

  test('escapes whatever a description says', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const { html } = docsPage(document(`<script>${text}"'><b>&`));
        expect(html).not.toContain('<script');
        expect(html).not.toContain('<b>');
      }),
    );
  });
});

describe('a schema as rows', () => {
  test('goes down through objects, lists and free keys, and refers to what has a name', () => {
    const rows = fieldRows({
      properties: {
        list: { type: 'array', items: { properties: { deep: { type: 'string', enum: ['a', 'b'] } } } },
        others: { type: 'array', items: { $ref: '#/components/schemas/Other' } },
        map: { type: 'object', additionalProperties: { type: ['string', 'null'] } },
        other: { $ref: '#/components/schemas/Other', description: 'One.' },
        count: { type: 'integer', maximum: 5, description: 'A count.' },
      },
      required: ['map'],
    });
    expect(
      rows.map(({ path, type, required, notes }) => [path, type.words, type.name, required, notes.join('; ')]),
    ).toEqual([
      ['list', 'list of any', undefined, false, ''],
      ['list[].deep', 'string', undefined, false, 'a | b'],
      ['others', 'list of', 'Other', false, ''],
      ['map', 'object', undefined, true, ''],
      ['map.*', 'string or null', undefined, false, ''],
      ['other', '', 'Other', false, 'One.'],
      ['count', 'integer', undefined, false, 'at most 5; A count.'],
    ]);
  });
});
