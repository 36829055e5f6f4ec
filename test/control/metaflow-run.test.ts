import { inspect } from 'node:util';
import { describe, expect, test } from 'vitest';
import { parseMetaflows } from '../../src/control/metaflow-document.ts';
import { runMetaflow } from '../../src/control/metaflow-run.ts';
import { TypedDigits } from '../../src/control/typed-digits.ts';

const nodeOf = (node: object) => parseMetaflows({ numbers: { 1: node } }).numbers.get('1')!;

describe('a matched metaflow', () => {
  for (const { name, node, steps } of [
    {
      name: 'record_call is asked for, with who typed it',
      node: { module: 'record_call', data: { action: 'mask', mask_mode: 'drop' } },
      steps: [{ kind: 'record_call', fields: { action: 'mask', mask_mode: 'drop', dtmf_leg: 'b' }, leg: 'b' }],
    },
    {
      name: 'without an action it toggles, as the schema says',
      node: { module: 'record_call' },
      steps: [{ kind: 'record_call', fields: { action: 'toggle', dtmf_leg: 'b' }, leg: 'b' }],
    },
    {
      name: 'a dtmf_leg in the document is overwritten',
      node: { module: 'record_call', data: { action: 'stop', dtmf_leg: 'me' } },
      steps: [{ kind: 'record_call', fields: { action: 'stop', dtmf_leg: 'b' }, leg: 'b' }],
    },
    {
      name: 'the child _ follows, other children do not',
      node: {
        module: 'record_call',
        data: { action: 'unmask' },
        children: {
          _: { module: 'record_call', data: { action: 'stop' } },
          x: { module: 'record_call', data: { action: 'start' } },
        },
      },
      steps: [
        { kind: 'record_call', fields: { action: 'unmask', dtmf_leg: 'b' }, leg: 'b' },
        { kind: 'record_call', fields: { action: 'stop', dtmf_leg: 'b' }, leg: 'b' },
      ],
    },
    {
      name: 'a module that is not run is told, and nothing after it',
      node: {
        module: 'record_call',
        data: { action: 'mask' },
        children: { _: { module: 'hold', children: { _: { module: 'record_call', data: { action: 'stop' } } } } },
      },
      steps: [
        { kind: 'record_call', fields: { action: 'mask', dtmf_leg: 'b' }, leg: 'b' },
        { kind: 'not_run', module: 'hold' },
      ],
    },
  ]) {
    test(name, () => expect(runMetaflow(nodeOf(node), 'b')).toEqual(steps));
  }

  test('names the leg by its call id where there is one', () =>
    expect(runMetaflow(nodeOf({ module: 'record_call' }), 'a', 'call-9')).toMatchObject([
      { fields: { dtmf_leg: 'call-9' }, leg: 'a' },
    ]));
});

describe('typed digits', () => {
  const digits = new TypedDigits('4111111111111111', ['1111', '']);

  test('are given to who asks, and added to an action’s data as Kazoo does', () => {
    expect(digits.collected).toBe('4111111111111111');
    expect(digits.injectedInto({ id: 'x', dtmf_leg: 'mine' }, 'a')).toEqual({
      id: 'x',
      collected: '4111111111111111',
      captures: ['1111', ''],
      dtmf_leg: 'a',
    });
    expect(new TypedDigits('72').injectedInto({}, 'b')).toEqual({ dtmf_leg: 'b' });
  });

  test('are in no log line', () => {
    for (const shown of [
      JSON.stringify({ digits }),
      inspect(digits, { showHidden: true, depth: 9 }),
      `${digits}`,
      JSON.stringify({ ...digits }),
    ]) {
      expect(shown).not.toContain('1111');
    }
  });
});
