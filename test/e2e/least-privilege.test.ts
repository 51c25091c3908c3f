import { readFile } from "node:fs/promises";
import { InvokeCommand, LambdaClient } from "@aws-sdk/client-lambda";
import * as z from "zod";
import { callsFile } from "../../scripts/emulator/run";
import { scheduledEvent } from "../support/lambda";
import { EXCEPTIONS } from "../support/least-privilege/exceptions";
import { describeEvaluation, evaluatePermissions } from "../support/least-privilege/evaluate";
import { deployedPolicies } from "./support/deployed-policies";
import { withStatementsOnly } from "./support/roles";
import { awsConfiguration, home, readSystem, stackDirectory } from "./support/system";

const callSchema = z.object({ role: z.string(), action: z.string(), resource: z.string() });

/** Runs after all other suites, whose calls it evaluates. */
describe("least privilege", () => {
  it("holds for every role: every call was allowed, and every permission was used", async () => {
    const lines = (await readFile(callsFile(home), "utf8")).trim().split("\n");
    const calls = lines.map((line) => callSchema.parse(JSON.parse(line)));
    const deployed = await deployedPolicies(stackDirectory);
    for (const role of ["almanac-local-timers-api", "almanac-local-workflows-task"])
      expect([...deployed.roles.keys()].filter((name) => calls.some((call) => call.role === name))).toContain(role);

    expect(describeEvaluation(await evaluatePermissions(calls, deployed, EXCEPTIONS))).toEqual([]);
  });

  it("was enforced: a function whose role only allows logs is denied", async () => {
    const running = await readSystem();
    const aws = awsConfiguration(running.endpoint);
    const FunctionName = "almanac-local-workflows-sweep";
    const invoke = async () => {
      const { FunctionError, Payload } = await new LambdaClient(aws).send(
        new InvokeCommand({
          FunctionName,
          Payload: JSON.stringify(scheduledEvent({ time: new Date().toISOString() })),
        }),
      );
      return { failed: FunctionError !== undefined, response: Payload?.transformToString() };
    };

    await withStatementsOnly(
      aws,
      FunctionName,
      (sid) => sid === "Logs",
      async () => {
        const { failed, response } = await invoke();
        expect(failed).toBe(true);
        expect(response).toContain("is not authorized to perform: states:ListExecutions");
      },
    );
    expect(await invoke()).toMatchObject({ failed: false });
  });
});
