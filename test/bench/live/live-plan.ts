/** How big the live trial is, and who asks for it. Pure. */

export const LIVE_NAME = 'live service';
export const LIVE_CALLS = 200;

export const liveSeconds = (quick: boolean): number => (quick ? 5 : 15);

/** Filters go by names, as they do for all trials. */
export const isLiveWanted = ({
  filters,
  only = [],
}: {
  readonly filters: readonly string[];
  readonly only?: readonly string[];
}): boolean => {
  if (only.length > 0 && !only.includes('live')) return false;
  const names = `${LIVE_NAME} ${LIVE_CALLS} calls rtp record-call serve`;
  return filters.every((filter) => names.includes(filter.toLowerCase()));
};
