/**
 * Runs a metaflow node on a channel's call, and then its children as Kazoo goes on (kazoo-contract §2.1). Only `record_call` is run
 * here; another module is answered as not run, and what hangs below it neither.
 */

import type { ActionResult } from '../call/action.ts';
import type { MetaflowNode } from '../control/metaflow-node.ts';
import { runMetaflow } from '../control/metaflow-run.ts';
import type { ChannelsService } from './service.ts';

export type NotRun = { readonly module: string; readonly run: false };

export type MetaflowAnswer = {
  /** What the node itself did. */
  readonly result: ActionResult | NotRun;
  /** The same for each child that was come to, in order; empty for most. */
  readonly children: readonly (ActionResult | NotRun)[];
};

/** One after the other: a child waits for what its parent does. @throws as `ChannelsService.act`; what ran before has happened. */
export const runOnChannel = async (
  channels: ChannelsService,
  channel: { readonly accountId: string; readonly uuid: string; readonly by: string },
  node: MetaflowNode,
): Promise<MetaflowAnswer> => {
  const { accountId, uuid, by } = channel;
  const { leg } = await channels.get(accountId, uuid);
  const results: (ActionResult | NotRun)[] = [];
  for (const step of runMetaflow(node, leg, uuid)) {
    results.push(
      step.kind === 'record_call'
        ? await channels.act(accountId, uuid, step.fields, by)
        : { module: step.module, run: false },
    );
  }
  const [result, ...children] = results;
  return { result: result!, children };
};
