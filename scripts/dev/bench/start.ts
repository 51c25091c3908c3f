/** Benchmark: `npm start`, first and again. */
import { figure, figureAtMost, type Figure } from "./figure";
import { withHome } from "./local-environment";

/**
 * `npm start` itself, in a home of its own and beside whatever runs already, from an installed tree to "ready": onto nothing, then onto
 * what the first has kept.
 */
export async function benchStart(): Promise<readonly Figure[]> {
  return withHome(async (almanac) => {
    const first = await almanac("start", "--detach");
    await almanac("stop");
    const second = await almanac("start", "--detach");
    return [
      figureAtMost("first_ready_s", readyOf(first), "s", 75),
      figureAtMost("second_ready_s", readyOf(second), "s", 6),
      ...stepsOf("first", first),
      ...stepsOf("second", second),
    ];
  });
}

const readyOf = (output: string): number => Number(/ready after ([\d.]+) s/.exec(output)?.[1]);

/** `Terraform apply: 326 added (42.0 s)` */
function stepsOf(start: string, output: string): readonly Figure[] {
  return [...output.matchAll(/^ *([A-Z][^:(\n]*?)(?::[^\n]*)? \(([\d.]+) s\)$/gm)].map(([, title = "", seconds]) =>
    figure(`${start}_${title.toLowerCase().replaceAll(" ", "_")}_s`, Number(seconds), "s"),
  );
}
