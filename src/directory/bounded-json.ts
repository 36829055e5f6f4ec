/** Whether every walk over a value from outside ends soon. Walks itself without recursion. Pure. */

export type JsonBounds = {
  readonly deepest: number;
  /** Objects, lists and leaves together. */
  readonly mostValues: number;
};

export const isBounded = (value: unknown, { deepest, mostValues }: JsonBounds): boolean => {
  let count = 0;
  const left: { readonly value: unknown; readonly depth: number }[] = [{ value, depth: 1 }];
  for (let item = left.pop(); item !== undefined; item = left.pop()) {
    if (++count > mostValues || item.depth > deepest) return false;
    if (typeof item.value !== 'object' || item.value === null) continue;
    for (const child of Object.values(item.value)) left.push({ value: child, depth: item.depth + 1 });
  }
  return true;
};
