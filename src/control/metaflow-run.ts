/** What a matched metaflow asks for, as values: `record_call` and then its child `_`, as Kazoo goes on (kazoo-contract §2.1). Does nothing itself. */
import type { Leg } from '../core/leg.ts';
import type { RecordAction, RecordCallFields } from '../core/record-call.ts';
import { type MetaflowNode, type OtherModule, RECORD_CALL_DEFAULTS } from './metaflow-node.ts';

export type MetaflowStep =
  | {
      readonly kind: 'record_call';
      /** With `action` and `dtmf_leg` filled in; never with the digits. */
      readonly fields: RecordCallFields & { readonly action: RecordAction };
      readonly leg: Leg;
    }
  /** A module of Kazoo's that is not run here; its children are not followed, for what they wait for did not happen. */
  | { readonly kind: 'not_run'; readonly module: OtherModule };

/**
 * The steps in order; at least one.
 * @param leg who typed the code.
 * @param dtmfLeg what that leg is called in `dtmf_leg`: its call id where there is one. A value in the document is overwritten.
 */
export const runMetaflow = (node: MetaflowNode, leg: Leg, dtmfLeg: string = leg): MetaflowStep[] => {
  const steps: MetaflowStep[] = [];
  for (let at: MetaflowNode | undefined = node; at !== undefined; at = at.children.get('_')) {
    if (at.module !== 'record_call') {
      steps.push({ kind: 'not_run', module: at.module });
      break;
    }
    const action = at.data.action ?? RECORD_CALL_DEFAULTS.action;
    steps.push({ kind: 'record_call', fields: { ...at.data, action, dtmf_leg: dtmfLeg }, leg });
  }
  return steps;
};
