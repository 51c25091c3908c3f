/** Amounts of what AWS bills: requests, gigabyte-seconds. */
import { HIGHEST_REGIONAL_FACTOR, FREE_A_MONTH, priceOf, SAME_IN_ALL_REGIONS, type Meter } from "../shared/aws/prices";

export type Usage = ReadonlyMap<Meter, number>;

export function usageOf(amounts: Partial<Readonly<Record<Meter, number>>>): Usage {
  return new Map(Object.entries(amounts) as [Meter, number][]);
}

export function sum(usages: readonly Usage[]): Usage {
  const total = new Map<Meter, number>();
  for (const usage of usages) {
    for (const [meter, amount] of usage) total.set(meter, (total.get(meter) ?? 0) + amount);
  }
  return total;
}

export function times(usage: Usage, factor: number): Usage {
  return new Map([...usage].map(([meter, amount]) => [meter, amount * factor]));
}

/** Dollars at list price. */
export function listPrice(usage: Usage): number {
  return [...usage].reduce((dollars, [meter, amount]) => dollars + amount * priceOf(meter), 0);
}

/** Dollars that the free allowances save in a month, when nothing else runs in the account. */
export function freeOfCharge(usage: Usage): number {
  return listPrice(usage) - listPrice(beyondFree(usage));
}

/** Dollars for a month's usage beyond the free allowances, in the most expensive region. */
export function highestPrice(usage: Usage): number {
  const dearer = [...beyondFree(usage)].map(
    ([meter, amount]) => [meter, amount * (SAME_IN_ALL_REGIONS.has(meter) ? 1 : HIGHEST_REGIONAL_FACTOR)] as const,
  );
  return listPrice(new Map(dearer));
}

function beyondFree(usage: Usage): Usage {
  return new Map([...usage].map(([meter, amount]) => [meter, Math.max(0, amount - (FREE_A_MONTH[meter] ?? 0))]));
}
