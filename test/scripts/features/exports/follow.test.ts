import {
  DescribeExecutionCommand,
  ExecutionDoesNotExist,
  SFNClient,
  type DescribeExecutionCommandOutput,
} from "@aws-sdk/client-sfn";
import { mockClient } from "aws-sdk-client-mock";
import type { ExecutionOutput } from "../../../../functions/exports/contract";
import { followExecution } from "../../../../scripts/features/exports/follow";
import { virtualClock } from "../../../support/virtual-clock";

const unknown = new ExecutionDoesNotExist({ message: "Execution Does Not Exist", $metadata: {} });
const ended = (output: Pick<ExecutionOutput, "outcome" | "message" | "next">) =>
  ({ status: "SUCCEEDED", output: JSON.stringify(output) }) as const;

type Answer = Pick<DescribeExecutionCommandOutput, "status" | "output" | "error" | "cause">;

/** What is shown while executions have these answers. @param answers by execution, one after another; undefined: unknown */
async function follow(answers: Readonly<Record<string, readonly (Answer | undefined)[]>>) {
  const sfn = mockClient(SFNClient);
  const asked = new Map<string, number>();
  sfn.on(DescribeExecutionCommand).callsFake(({ executionArn }: { readonly executionArn: string }) => {
    const count = asked.get(executionArn) ?? 0;
    asked.set(executionArn, count + 1);
    const all = answers[executionArn] ?? [];
    const answer = all[Math.min(count, all.length - 1)];
    return answer === undefined ? Promise.reject(unknown) : Promise.resolve(answer);
  });
  const lines: string[] = [];
  const progress = {
    show: (share: number | undefined, text: string) => void lines.push(`${share} ${text}`),
    end: () => void lines.push("end"),
  };
  const none = () => Promise.reject(new Error("no run is active"));
  const state = { exportState: () => Promise.resolve(NO_STATE), run: none, runProgress: none };
  const ports = { state, sfn: new SFNClient({ region: "eu-central-1" }), progress, clock: virtualClock() };
  return { output: await followExecution("orders", "first", ports), lines };
}

const NO_STATE = { active: undefined, cursor: undefined, scheduledUntil: undefined, version: 0 };

describe("an export that is followed", () => {
  it("is not shown as done when another execution is running it", async () => {
    const running = { outcome: "running", message: "running since 2026-11-21T07:00Z" } as const;
    expect(await follow({ first: [ended(running)] })).toEqual({ output: running, lines: ["end"] });
    const exported = { outcome: "exported", message: "10 items" } as const;
    expect(await follow({ first: [ended(exported)] })).toEqual({ output: exported, lines: ["1 done", "end"] });
  });

  it("may be unknown for a moment after it was started, and when another execution continues it", async () => {
    const continued = ended({ outcome: "continued", message: "an older run first", next: "second" });
    const exported = { outcome: "exported", message: "10 items" } as const;
    const { output } = await follow({
      first: [undefined, undefined, { status: "RUNNING" }, { status: "PENDING_REDRIVE" }, continued],
      second: [undefined, ended(exported)],
    });
    expect(output).toEqual(exported);
  });

  it("has failed when its execution is never found", async () => {
    await expect(follow({})).rejects.toThrow("orders: its execution does not exist\n");
  });

  it("says why it has failed", async () => {
    const failed = { status: "FAILED", error: "NoSuchBucket", cause: "there is no bucket" } as const;
    await expect(follow({ first: [failed] })).rejects.toThrow("orders: FAILED: NoSuchBucket: there is no bucket\n");
  });
});
