/** Spans of time that more than one step of the survey goes by, in microseconds. */

/** Ports that were silent for so long and are then used by new senders belong to a new call. */
export const RESTART_SILENCE_US = 30_000_000;
