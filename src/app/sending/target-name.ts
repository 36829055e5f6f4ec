/** What is told and compared of a target's URL: never its path, query or credentials, which may hold what lets one write there. Pure. */

/** Host and port, for events, logs and documents; empty for what is no URL. */
export const hostOf = (url: string | null): string => (url !== null && URL.canParse(url) ? new URL(url).host : '');

/** What has one circuit: an account's host by one scheme. Another account's may be somebody else's, or misused. */
export const targetOf = (accountId: string, url: string | null): string =>
  `${accountId} ${url !== null && URL.canParse(url) ? new URL(url).origin : ''}`;
