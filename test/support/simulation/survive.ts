import { World } from "./world";

/** Runs worlds, one after the other, and tells of each that broke an invariant: how to see it again, and what it broke. */
export async function brokenWorlds(from: number, count: number): Promise<readonly string[]> {
  const broken: string[] = [];
  for (let seed = from; seed < from + count; seed++) {
    const [violation] = await new World({ seed }).run();
    if (violation) broken.push(`npm run simulate -- --seed ${seed}: ${violation.invariant}: ${violation.detail}`);
  }
  return broken;
}
