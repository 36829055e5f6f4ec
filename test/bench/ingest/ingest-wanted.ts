/** Who asks for the ingest groups: by group, or by names as for all trials. Pure. */

/** What a filter may name of a group as a whole. */
const NAMES = {
  ingest: 'ingest receivers udp packets ports native node:dgram bare recvmmsg sink calls per core masks',
  calls: 'calls fed from memory, cost and memory of a call',
} as const;

export const isIngestWanted = (
  { filters, only = [] }: { readonly filters: readonly string[]; readonly only?: readonly string[] },
  group: keyof typeof NAMES,
): boolean =>
  (only.length === 0 || only.includes(group)) && filters.every((filter) => NAMES[group].includes(filter.toLowerCase()));
