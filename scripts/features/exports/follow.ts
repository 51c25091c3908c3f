/** Follows an execution of an export to its end, and shows how far its run is. */
import type { SFNClient } from "@aws-sdk/client-sfn";
import { executionOutputSchema, type ExecutionOutput, type Run } from "../../../functions/exports/contract";
import { describeExecution, isUnended } from "../../../functions/exports/run/executions";
import type { RunProgress } from "../../../functions/exports/storage/segment-table";
import type { StateTable } from "../../../functions/exports/storage/state-table";
import { sleep, type Clock } from "../../../functions/shared/clock";
import { parseJson } from "../../../functions/shared/input";
import { MINUTE_MS, SECOND_MS } from "../../../functions/shared/time";
import { plainText } from "../../shared/terminal/plain-text";
import { count, duration, size, type Progress } from "../../shared/terminal/progress";

const POLL_MS = SECOND_MS;

/** Reads are eventually consistent: an execution that has just been started may be unknown for a while. */
const UNKNOWN_MS = MINUTE_MS;

/** The run failed. The message says why, and what to do. */
export class ExportFailedError extends Error {
  override readonly name = "ExportFailedError";
}

export interface FollowPorts {
  readonly state: Pick<StateTable, "exportState" | "run" | "runProgress">;
  readonly sfn: SFNClient;
  readonly progress: Progress;
  readonly clock: Clock;
}

/**
 * Waits for the end of an execution, and of those that continue it.
 *
 * @throws {@link ExportFailedError}
 */
export async function followExecution(
  exportId: string,
  execution: string,
  ports: FollowPorts,
): Promise<ExecutionOutput> {
  const { sfn, progress, clock } = ports;
  let unknownUntil = clock.now() + UNKNOWN_MS;
  for (let current = execution; ;) {
    const { status, output, error, cause } = await describeExecution(sfn, current);
    if (status === undefined ? clock.now() < unknownUntil : isUnended(status)) {
      await showProgress(exportId, ports);
      await sleep(clock, POLL_MS);
      continue;
    }
    if (status !== "SUCCEEDED") {
      progress.end();
      throw new ExportFailedError(
        `${exportId}: ${plainText([status ?? "its execution does not exist", error, cause].filter((part) => part !== undefined && part !== "").join(": "))}\n` +
          "Finished segments are kept: the next run resumes from them. See docs/operations/exports.md, 'An export failed'.",
      );
    }
    const ended = executionOutputSchema.parse(parseJson(output ?? ""));
    if (ended.next === undefined) {
      // Another execution is running the export: this one has done nothing.
      if (ended.outcome !== "running") progress.show(1, "done");
      progress.end();
      return ended;
    }
    current = ended.next;
    unknownUntil = clock.now() + UNKNOWN_MS;
  }
}

async function showProgress(exportId: string, { state, progress, clock }: FollowPorts): Promise<void> {
  const { active } = await state.exportState(exportId);
  const run = active && (await state.run(exportId, active.id));
  if (run === undefined) return;
  const { share, text } = describeProgress(run, await state.runProgress(run), clock.now());
  progress.show(share, text);
}

/** How far a run is: by DynamoDB's count of the table's items, else by its segments. */
function describeProgress(
  { startedAt, tableSize, segments }: Pick<Run, "startedAt" | "tableSize" | "segments">,
  { items, bytes, segmentsDone }: RunProgress,
  now: number,
): { readonly share: number; readonly text: string } {
  const known = tableSize?.items ?? 0;
  const share = Math.max(segmentsDone / segments, known === 0 ? 0 : Math.min(1, items / known));
  const left = share === 0 ? undefined : ((now - startedAt) / SECOND_MS / share) * (1 - share);
  const parts = [`${count(items)} items read`, size(bytes), `${segmentsDone} of ${segments} segments`];
  return { share, text: [...parts, ...(left === undefined ? [] : [`${duration(left)} left`])].join(", ") };
}
