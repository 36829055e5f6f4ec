/** How far one word is from another: insertions, deletions and replacements of characters (Levenshtein). Pure. */

/** @returns the distance, or anything above `most` when it is more. */
export const editDistance = (one: string, other: string, most: number): number => {
  if (Math.abs(one.length - other.length) > most) return most + 1;
  let above = Array.from({ length: other.length + 1 }, (_, index) => index);
  for (let row = 1; row <= one.length; row++) {
    const line = [row];
    for (let column = 1; column <= other.length; column++) {
      const replaced = above[column - 1]! + (one[row - 1] === other[column - 1] ? 0 : 1);
      line.push(Math.min(replaced, above[column]! + 1, line[column - 1]! + 1));
    }
    above = line;
  }
  return above.at(-1)!;
};

/** The one of `known` that `word` is most likely to mean; short words are meant only by what is one character off. */
export const likelyMeant = (word: string, known: readonly string[]): string | undefined =>
  known.find((each) => {
    const most = each.length < 6 ? 1 : 2;
    return word !== each && editDistance(word, each, most) <= most;
  });
