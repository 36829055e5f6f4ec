/** Where what happens is told: to the account's listeners, its webhook, the metrics. It may throw: media and recordings go on. */
export type EventSink = {
  publish(accountId: string, type: string, data: Readonly<Record<string, unknown>>): void;
};
