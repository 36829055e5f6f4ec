/** What a command may touch of the process: its streams, its environment, the signal that ends it. Tests give their own. */

export type Output = {
  write(text: string): unknown;
  /** A terminal: progress may be shown, lines may be coloured. */
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
};

export type CommandIo = {
  readonly stdout: Output;
  readonly stderr: Output;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Aborted by the first SIGINT, SIGTERM or SIGHUP. */
  readonly signal: AbortSignal;
};

/** @returns the exit status: 0 done, 1 failed, 2 wrong usage or unreadable input, 3 nothing to record. @throws AppError */
export type Command = (args: string[], io: CommandIo) => Promise<number>;
