/** What one check of `record-call verify` came to. */
export type Check = {
  readonly name: string;
  readonly ok: boolean;
  readonly detail: string;
  /** Nothing was found wrong, because there was nothing to hold it against. */
  readonly unproven?: true;
};

export const passed = (name: string, detail: string): Check => ({ name, ok: true, detail });
export const failed = (name: string, detail: string): Check => ({ name, ok: false, detail });
export const unproven = (name: string, detail: string): Check => ({ name, ok: true, detail, unproven: true });
