/** Amounts of what AWS counts: so many requests, so many gigabyte-seconds. */
import { DEAREST_REGION, FREE_A_MONTH, priceOf, SAME_IN_ALL_REGIONS, type Meter } from "../shared/prices";

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

/** In dollars, at list price. */
export function listPrice(usage: Usage): number {
  return [...usage].reduce((dollars, [meter, amount]) => dollars + amount * priceOf(meter), 0);
}

/** In dollars: what of a month's usage AWS does not ask for, when nothing else runs in the account. */
export function freeOfCharge(usage: Usage): number {
  return listPrice(usage) - listPrice(beyondFree(usage));
}

/** In dollars: the most that a month's usage, beyond what is free, costs in any region. */
export function dearestPrice(usage: Usage): number {
  const dearer = [...beyondFree(usage)].map(
    ([meter, amount]) => [meter, amount * (SAME_IN_ALL_REGIONS.has(meter) ? 1 : DEAREST_REGION)] as const,
  );
  return listPrice(new Map(dearer));
}

function beyondFree(usage: Usage): Usage {
  return new Map([...usage].map(([meter, amount]) => [meter, Math.max(0, amount - (FREE_A_MONTH[meter] ?? 0))]));
}
