/** Work on numbered things, so many at once. */

export const abreast = async (
  width: number,
  count: number,
  work: (each: number) => Promise<unknown>,
): Promise<void> => {
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < count) await work(next++);
  };
  await Promise.all(Array.from({ length: Math.min(width, count) }, worker));
};
