/** Kazoo's channels over the live calls: one for each leg, gone with its call. */
import type { ActionResult } from '../../call/action.ts';
import type { Clock } from '../../core/clock.ts';
import { AppError } from '../../core/errors.ts';
import { LEGS } from '../../core/leg.ts';
import type { RecordAction, RecordCallFields } from '../../core/record-call.ts';
import type { ChannelDocument, ChannelOwner } from '../../http/service.ts';
import type { AnnouncedCall } from './announced-call.ts';
import { channelDocument } from './call-document.ts';
import type { CallRegistry } from './call-registry.ts';

/** A disk that takes longer than this has failed whoever asked; what they asked for is still under way. */
const LONGEST_ANSWER_MS = 10_000;

export class LiveChannels {
  readonly #registry: CallRegistry<AnnouncedCall>;
  readonly #clock: Clock;

  constructor(registry: CallRegistry<AnnouncedCall>, clock: Clock) {
    this.#registry = registry;
    this.#clock = clock;
  }

  list(accountId: string, owner: ChannelOwner = {}): readonly ChannelDocument[] {
    const { userId, deviceId } = owner;
    return this.#registry
      .ofAccount(accountId)
      .filter((call) => !call.ended)
      .flatMap((call) =>
        LEGS.filter((leg) => {
          const { party } = call.legs[leg];
          return (
            (userId === undefined || party.userId === userId) && (deviceId === undefined || party.deviceId === deviceId)
          );
        }).map((leg) => channelDocument(call, leg)),
      );
  }

  get(accountId: string, uuid: string): ChannelDocument {
    const { call, leg } = this.#registry.channel(accountId, uuid);
    return channelDocument(call, leg);
  }

  async act(
    accountId: string,
    uuid: string,
    fields: RecordCallFields & { readonly action: RecordAction },
    by: string,
  ): Promise<ActionResult> {
    const { call, leg } = this.#registry.channel(accountId, uuid);
    const answered = new AbortController();
    const tooLate = this.#clock.sleep(LONGEST_ANSWER_MS, answered.signal).then(() => {
      throw unanswered(fields.action);
    });
    const act = (): Promise<ActionResult> => call.act(leg, fields, by, this.#clock.now());
    try {
      const nowUs = this.#clock.now();
      if (call.isBehind(nowUs)) await Promise.race([call.caughtUp(nowUs), tooLate]).catch(masksAnyway(fields, act));
      return await Promise.race([act(), tooLate]);
    } finally {
      answered.abort();
    }
  }
}

/** What is still unread comes behind it then; whoever was told that the call is masked must be able to rely on it. */
const masksAnyway =
  ({ action }: { readonly action: RecordAction }, act: () => Promise<ActionResult>) =>
  (tooLate: unknown): never => {
    // It fails as it would have been told.
    if (action === 'mask') act().catch(() => {});
    throw tooLate;
  };

const unanswered = (action: RecordAction): AppError => {
  const seconds = LONGEST_ANSWER_MS / 1000;
  return action === 'mask' || action === 'unmask'
    ? new AppError(
        'MASK_NOT_DURABLE',
        `the ${action} is not on disk after ${seconds} s: the call is masked until it is`,
      )
    : new AppError('JOURNAL_UNWRITABLE', `the ${action} is not on disk after ${seconds} s; it may yet be done`);
};
