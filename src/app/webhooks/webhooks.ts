/** Webhooks as the API asks of them: what waits or did not arrive, sent again, dropped. How they are sent is `webhook-queue.ts`'. */
import { AppError } from '../../core/errors.ts';
import type { WebhookDocument, WebhookPage, WebhooksService } from '../../http/service.ts';
import type { WebhookRow } from '../../store/rows.ts';
import type { WebhookTable } from '../../store/webhook-table.ts';
import { PATIENCE_US } from '../sending/retry.ts';
import { WebhookQueue, type WebhookQueueOptions } from './webhook-queue.ts';
import { webhookView } from './webhook-view.ts';

export class Webhooks extends WebhookQueue implements WebhooksService {
  readonly #table: WebhookTable;
  readonly #clock: WebhookQueueOptions['clock'];

  constructor(options: WebhookQueueOptions) {
    super(options);
    this.#table = options.store.webhooks;
    this.#clock = options.clock;
  }

  async list(
    accountId: string,
    query: { readonly pageSize: number; readonly startKey: string | undefined },
  ): Promise<WebhookPage> {
    const { pageSize, startKey } = query;
    if (startKey !== undefined && !/^\d{1,16}$/.test(startKey))
      throw new AppError('FIELDS_INVALID', 'start_key: not one of ours');
    await this.caughtUp();
    const after = startKey === undefined ? {} : { after: Number(startKey) };
    const rows = await this.#table.page(accountId, { limit: pageSize + 1, ...after });
    const page = rows.slice(0, pageSize);
    return {
      webhooks: page.map((row) => this.#view(row)),
      startKey: startKey ?? '',
      nextStartKey: rows.length > pageSize ? String(page.at(-1)!.createdUs) : undefined,
      dropped: this.droppedOf(accountId),
    };
  }

  async deliver(accountId: string, id: string): Promise<WebhookDocument> {
    const row = await this.#row(accountId, id);
    if (!this.hasHook(accountId)) throw new AppError('CONFLICT', 'the account has no webhook_url');
    if (this.underWay(row).isBeingTried) return this.#view(row);
    const nowUs = Math.round(this.#clock.now());
    const anew: WebhookRow = { ...row, state: 'waiting', tries: 0, nextUs: nowUs, deadlineUs: nowUs + PATIENCE_US };
    if (!(await this.#table.update(anew))) throw notFound(id);
    this.tryNow(anew);
    return this.#view(anew);
  }

  async drop(accountId: string, id: string): Promise<WebhookDocument> {
    const row = await this.#row(accountId, id);
    const view = this.#view(row);
    await this.remove(row);
    return view;
  }

  async #row(accountId: string, id: string): Promise<WebhookRow> {
    await this.caughtUp();
    const row = await this.#table.get(accountId, id);
    if (row === undefined) throw notFound(id);
    return row;
  }

  #view(row: WebhookRow): WebhookDocument {
    return webhookView(row, this.underWay(row));
  }
}

const notFound = (id: string): AppError => new AppError('NOT_FOUND', 'no such event waits', { details: [id] });
