/** What programs made from the description call an operation, from its method and path: `putUserMetaflows`. Pure. */

const capital = (word: string): string => word.charAt(0).toUpperCase() + word.slice(1);

const camel = (segment: string): string =>
  segment
    .split(/[^A-Za-z0-9]+/)
    .map(capital)
    .join('');

/** @param path as OpenAPI writes it: `/v2/accounts/{accountId}/users/{userId}`, which is one `User`. */
export const operationId = (method: string, path: string): string => {
  const segments = path.split('/').filter((segment) => segment !== '' && segment !== 'v2');
  // All but the accounts themselves are below one, which needs no telling.
  const told = segments[0] === 'accounts' && segments.length > 2 ? segments.slice(2) : segments;
  const words = told.flatMap((segment, index) => {
    if (segment.startsWith('{')) return [];
    return [camel(told[index + 1]?.startsWith('{') ? segment.replace(/s$/, '') : segment)];
  });
  return method.toLowerCase() + words.join('');
};
