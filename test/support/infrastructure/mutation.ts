/** Which mutants of infrastructure a rule finds. */
import { EVERYTHING } from "../everything";
import { synthesize } from "../synthesized";
import { isFaulty, RULES, worldOf } from "./index";
import { mutantsOf, type Mutant } from "./mutants";
import type { World } from "./rule";

/** One of everything, as production has it. */
export const everything = (): World =>
  worldOf(synthesize(EVERYTHING), { prefix: "almanac-staging", protectsData: EVERYTHING.protectData });

export interface Mutation {
  /** Mutants, and those of them that a rule finds, and those that do not matter. */
  readonly mutants: number;
  readonly found: number;
  readonly indifferent: number;
  readonly survivors: readonly string[];
}

/** @param sample true: one mutant for each attribute of a type and each change. @default all */
export function mutate(world: World, { sample = false }: { readonly sample?: boolean } = {}): Mutation {
  const seen = new Set<string>();
  const survivors: string[] = [];
  let [mutants, found, indifferent] = [0, 0, 0];
  for (const mutant of mutantsOf(world)) {
    const { resource, path, change } = mutant;
    const kind = `${resource.type} ${path} ${change}`;
    if (sample && seen.has(kind)) continue;
    seen.add(kind);
    mutants += 1;
    if (isIndifferent(mutant)) indifferent += 1;
    else if (isFaulty(mutant.world, resource.module)) found += 1;
    else survivors.push(`${resource.address} ${path} ${change}`);
  }
  return { mutants, found, indifferent, survivors };
}

function isIndifferent({ resource, path, change }: Mutant): boolean {
  const rule = RULES[resource.type]?.[path];
  return rule !== undefined && ("indifferent" in rule || (change === "swapped" && rule.alike !== undefined));
}
