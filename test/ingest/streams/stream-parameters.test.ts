import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { AppError } from '../../../src/core/errors.ts';
import type { StreamAbout } from '../../../src/ingest/streams/stream-dialect.ts';
import { claimsOf } from '../../../src/ingest/streams/stream-parameters.ts';

const about = (parameters: Record<string, unknown>, more: Partial<StreamAbout> = {}): StreamAbout => ({
  parameters,
  ...more,
});

describe('what a stream asks for', () => {
  for (const c of [
    { name: 'nothing', query: {}, is: {} },
    {
      name: 'a query goes before parameters, and those before what the server says by itself',
      query: { call_id: 'q' },
      about: about({ call_id: 'p', from: 'p' }, { callId: 's', from: 's', to: 's' }),
      is: { callId: 'q', from: 'p', to: 's' },
    },
    {
      name: "a server's own id is made to fit",
      query: {},
      about: about({}, { callId: 'v2:a/b c\u0000' }),
      is: { callId: 'v2:a_b_c_' },
    },
    {
      name: 'numbers count as text',
      query: {},
      about: about({ call_id: 17, token: 5 }),
      is: { callId: '17', token: '5' },
    },
    {
      name: "parties: of the stream's own leg, and by side",
      query: { leg: 'b', user_id: 'bob', caller_user_id: 'alice', callee_device_id: 'phone' },
      is: { leg: 'b', caller: { user_id: 'alice' }, callee: { user_id: 'bob', device_id: 'phone' } },
    },
    { name: 'record_call as JSON', query: { record_call: '{"format":"wav"}' }, is: { recordCall: { format: 'wav' } } },
    { name: 'record_call as true', query: { record_call: 'true' }, is: { recordCall: {} } },
    { name: 'record_call as false', query: { record_call: 'false' }, is: {} },
    {
      name: 'record_call field by field',
      query: { 'record_call.format': 'wav' },
      about: about({ record_call: { label: 'x' }, 'record_call.format': 'mp3' }),
      is: { recordCall: { label: 'x', format: 'wav' } },
    },
    { name: 'a direction that is none', query: { direction: 'up' }, is: {} },
    { name: 'line ends in what a server says', query: {}, about: about({}, { from: 'a\r\nb' }), is: { from: 'ab' } },
  ]) {
    test(c.name, () => expect(claimsOf(c.query, c.about)).toEqual(c.is));
  }

  test.each([{ leg: 'c' }, { record_call: '[]' }, { record_call: '{' }, { record_call: 'yes' }])(
    '%o is refused',
    (query) => {
      expect(() => claimsOf(query)).toThrow(expect.objectContaining({ code: 'STREAM_INVALID' }));
    },
  );

  test('whatever comes, it is read or refused', () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.string(), fc.string()),
        fc.dictionary(fc.string(), fc.jsonValue()),
        (query, parameters) => {
          try {
            const { callId = 'x' } = claimsOf(query, about(parameters, { callId: query.a ?? '' }));
            expect(callId.length).toBeGreaterThan(0);
          } catch (error) {
            if (!(error instanceof AppError) || error.code !== 'STREAM_INVALID') throw error;
          }
        },
      ),
    );
  });
});
