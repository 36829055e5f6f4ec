/**
 * What is done to one call, as its account's audit keeps it: which action, by whom, what came of it. What an API request did as such (to
 * announce, to hang up) its route notes. Never a digit: of a code there is the leg that typed it; of a URL there is the host.
 */
import type { ActionResult } from '../../call/action.ts';
import type { AppError } from '../../core/errors.ts';
import type { AuditService } from '../../http/audit.ts';
import type { Recorder } from '../../record/recorder.ts';
import type { Trigger } from '../../spool/journal-record.ts';
import type { JsonObject } from '../../store/rows.ts';
import type { Asked } from '../call-control.ts';
import { hostOf } from '../sending/target-name.ts';

/** Takes notes at once and never throws. */
export type AuditSink = Pick<AuditService, 'note'>;

/** Recordings that nobody's command began, by what `Recorder.startedBy` begins with. */
const BY_THEMSELVES: Readonly<Record<string, string>> = {
  announcement: 'announcement',
  automatic: 'call_recording',
  stream: 'stream',
};

type Action = Parameters<AuditSink['note']>[0]['action'];

export class CallAudit {
  readonly #sink: AuditSink;
  readonly #accountId: string;
  readonly #subject: string;
  readonly #isMasked: () => boolean;

  constructor(
    sink: AuditSink,
    { accountId, callId }: { readonly accountId: string; readonly callId: string },
    isMasked: () => boolean,
  ) {
    this.#sink = sink;
    this.#accountId = accountId;
    this.#subject = `call/${callId}`;
    this.#isMasked = isMasked;
  }

  did({ action, changed, masked, recordings }: ActionResult, { fields, trigger, atUs }: Asked): void {
    const ids = recordings.map(({ id }) => id);
    this.#note(`recording.${action}`, trigger, { changed, masked, recordings: ids, ...hostIn(fields.url) }, atUs);
  }

  failed({ code }: AppError, { fields, trigger, atUs }: Asked): void {
    this.#note(`recording.${fields.action}`, trigger, { failed: code, masked: this.#isMasked() }, atUs);
  }

  /** A recording runs; those that a command began are noted as the command's. */
  started({ head, startedBy }: Recorder): void {
    const policy = BY_THEMSELVES[startedBy.split(':', 1)[0] ?? ''];
    if (policy === undefined) return;
    const data = { changed: true, masked: this.#isMasked(), recordings: [head.id], ...hostIn(head.url) };
    this.#note('recording.start', { kind: 'policy', by: policy }, data);
  }

  reachedTimeLimit({ head }: Recorder): void {
    const data = { changed: true, masked: this.#isMasked(), recordings: [head.id] };
    this.#note('recording.stop', { kind: 'policy', by: 'time_limit' }, data);
  }

  /** By itself, not by a hang-up. */
  ended(reason: 'idle' | 'shutdown'): void {
    this.#note('call.end', { kind: 'policy', by: reason }, {});
  }

  /** @param atUs when it was asked for; what it came to may be known a while later. */
  #note(action: Action, by: Trigger, data: JsonObject, atUs?: number): void {
    const when = atUs === undefined ? {} : { atUs };
    this.#sink.note({ accountId: this.#accountId, by, action, subject: this.#subject, data, ...when });
  }
}

const hostIn = (url = ''): { readonly host?: string } => (url === '' ? {} : { host: hostOf(url) });
