import { DescribeExecutionCommand, SFNClient } from "@aws-sdk/client-sfn";
import { mockClient } from "aws-sdk-client-mock";
import type { ExecutionOutput } from "../../../../functions/exports/contract";
import { followExecution } from "../../../../scripts/features/exports/follow";

const none = () => Promise.reject(new Error("is not read: no execution is running"));

/** What is shown while an execution ends with this output. */
async function shown(output: Pick<ExecutionOutput, "outcome" | "message">): Promise<readonly string[]> {
  const sfn = mockClient(SFNClient);
  sfn.on(DescribeExecutionCommand).resolves({ status: "SUCCEEDED", output: JSON.stringify(output) });
  const lines: string[] = [];
  const progress = {
    show: (share: number | undefined, text: string) => void lines.push(`${share} ${text}`),
    end: () => void lines.push("end"),
  };
  const state = { exportState: none, run: none, runProgress: none };
  const ports = { state, sfn: new SFNClient({ region: "eu-central-1" }), progress, now: () => 0 };
  expect(await followExecution("orders", "execution", ports)).toEqual(output);
  return lines;
}

it("an export that another execution is running is not shown as done", async () => {
  expect(await shown({ outcome: "running", message: "running since 2026-11-21T07:00Z" })).toEqual(["end"]);
  expect(await shown({ outcome: "exported", message: "10 items" })).toEqual(["1 done", "end"]);
});
