/** Filter banks by the rates that they stand between: dear to design, read only, and the same for every recording of this thread. */
import { designFilterBank, type FilterBank } from '../kernel/filter-bank.ts';

/** A wav may have any rate; few are ever used. */
const MOST_BANKS = 16;

const banks = new Map<string, FilterBank>();

/**
 * @param step source samples per output sample where neither clock drifts
 * @param drifting for steps near that one
 */
export const filterBank = (step: number, drifting: boolean): FilterBank => {
  const name = `${step} ${drifting}`;
  let bank = banks.get(name);
  if (bank === undefined) {
    bank = designFilterBank(step, drifting);
    if (banks.size === MOST_BANKS) banks.delete(banks.keys().next().value!);
    banks.set(name, bank);
  }
  return bank;
};
