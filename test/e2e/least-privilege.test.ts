import { readFile } from "node:fs/promises";
import { InvokeCommand, LambdaClient } from "@aws-sdk/client-lambda";
import * as z from "zod";
import { callsFile } from "../../scripts/emulator/run";
import { homeAt } from "../../scripts/shared/home";
import { readRunning } from "../../scripts/emulator/run-record";
import { scheduledEvent } from "../support/lambda";
import { EXCEPTIONS } from "../support/least-privilege/exceptions";
import { describeVerdict, judge } from "../support/least-privilege/judge";
import { deployedPolicies } from "./support/deployed-policies";
import { withStatementsOnly } from "./support/roles";
import { awsConfiguration, home, stackDirectory } from "./support/system";

const callSchema = z.object({ role: z.string(), action: z.string(), resource: z.string() });

/** After all other tests, of whose calls this is: by itself it finds next to everything unused. */
describe("least privilege", () => {
  it("is what every role has: all that was asked was allowed, and all that is allowed was asked", async () => {
    const lines = (await readFile(callsFile(home), "utf8")).trim().split("\n");
    const calls = lines.map((line) => callSchema.parse(JSON.parse(line)));
    const deployed = await deployedPolicies(stackDirectory);
    for (const role of ["almanac-local-timers-api", "almanac-local-workflow-task"])
      expect([...deployed.roles.keys()].filter((name) => calls.some((call) => call.role === name))).toContain(role);

    expect(describeVerdict(await judge(calls, deployed, EXCEPTIONS))).toEqual([]);
  }, 120_000);

  it("was enforced meanwhile: a function whose role allows it nothing but logs is refused", async () => {
    const running = await readRunning(homeAt(home));
    if (running === undefined) throw new Error("npm start has left nothing running");
    const aws = awsConfiguration(running.endpoint);
    const FunctionName = "almanac-local-workflow-sweep";
    const invoke = async () => {
      const { FunctionError, Payload } = await new LambdaClient(aws).send(
        new InvokeCommand({
          FunctionName,
          Payload: JSON.stringify(scheduledEvent({ time: new Date().toISOString() })),
        }),
      );
      return { failed: FunctionError !== undefined, answer: Payload?.transformToString() };
    };

    await withStatementsOnly(
      aws,
      FunctionName,
      (sid) => sid === "Logs",
      async () => {
        const { failed, answer } = await invoke();
        expect(failed).toBe(true);
        expect(answer).toContain("is not authorized to perform: states:ListExecutions");
      },
    );
    expect(await invoke()).toMatchObject({ failed: false });
  }, 60_000);
});
