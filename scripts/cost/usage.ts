/** Amounts of what AWS counts: so many requests, so many gigabyte-seconds. */
import { FREE_A_MONTH, priceOf, type Meter } from "../shared/prices";

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
  return [...usage].reduce(
    (dollars, [meter, amount]) => dollars + Math.min(amount, FREE_A_MONTH[meter] ?? 0) * priceOf(meter),
    0,
  );
}
