/** The lines that functions log, as they log them: server/function_logs.py. */
import * as z from "zod";
import { askLauncher } from "./control";

const linesSchema = z.object({
  last: z.int(),
  lines: z.array(z.object({ number: z.int(), time: z.number(), functionName: z.string(), message: z.string() })),
});

export interface FunctionLine {
  /** Epoch milliseconds, of the emulator's clock. */
  readonly time: number;
  /** `almanac-local-timers-dispatch` */
  readonly functionName: string;
  readonly message: string;
}

/** Every line from now on, until the signal is aborted or the emulator ends. */
export async function* followFunctions(endpoint: string, signal: AbortSignal): AsyncGenerator<FunctionLine> {
  let after: number | undefined;
  while (!signal.aborted) {
    let answer: z.output<typeof linesSchema>;
    try {
      answer = linesSchema.parse(await askLauncher(endpoint, "POST", "logs", { body: { after }, signal }));
    } catch {
      return; // It has ended, which its starter reports.
    }
    after = answer.last;
    yield* answer.lines;
  }
}
