/** Follows an execution of an export to its end, and shows how far its run is. */
import { setTimeout as sleep } from "node:timers/promises";
import { DescribeExecutionCommand, type SFNClient } from "@aws-sdk/client-sfn";
import { executionOutputSchema, type ExecutionOutput, type Run } from "../../../functions/exports/contract";
import type { RunProgress } from "../../../functions/exports/storage/segment-table";
import type { StateTable } from "../../../functions/exports/storage/state-table";
import { parseJson } from "../../../functions/shared/input";
import { SECOND_MS } from "../../../functions/shared/time";
import { plainText } from "../../shared/terminal/plain-text";
import { count, duration, size, type Progress } from "../../shared/terminal/progress";

const POLL_MS = SECOND_MS;

/** The run failed. The message says why, and what to do. */
export class ExportFailedError extends Error {
  override readonly name = "ExportFailedError";
}

export interface FollowPorts {
  readonly state: Pick<StateTable, "exportState" | "run" | "runProgress">;
  readonly sfn: SFNClient;
  readonly progress: Progress;
  /** Epoch milliseconds. */
  readonly now: () => number;
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
  const { sfn, progress } = ports;
  for (let current = execution; ;) {
    const { status, output, error, cause } = await sfn.send(new DescribeExecutionCommand({ executionArn: current }));
    if (status === "RUNNING") {
      await showProgress(exportId, ports);
      await sleep(POLL_MS);
      continue;
    }
    if (status !== "SUCCEEDED") {
      progress.end();
      throw new ExportFailedError(
        `${exportId}: ${plainText([status ?? "gone", error, cause].filter((part) => part !== undefined && part !== "").join(": "))}\n` +
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
  }
}

async function showProgress(exportId: string, { state, progress, now }: FollowPorts): Promise<void> {
  const { active } = await state.exportState(exportId);
  const run = active && (await state.run(exportId, active.id));
  if (run === undefined) return;
  const { share, text } = describeProgress(run, await state.runProgress(run), now());
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
