/** The handler of the queue of jobs, with the real clients. */
import { handler } from "../../../functions/exports/start-jobs";
import { aws, setupExports } from "../../support/exports-system";
import { lambdaContext } from "../../support/lambda";

setupExports();
beforeEach(() => {
  process.env["STATE_MACHINE_ARN"] = "arn:aws:states:eu-central-1:000000000000:stateMachine:exports";
});

const job = { application: "shop", table_name: "shop-logs", region: "eu-central-1" };

const send = (...bodies: readonly object[]) =>
  handler(
    {
      Records: bodies.map((body, index) => ({
        messageId: `m-${index}`,
        body: JSON.stringify(body),
        attributes: { SentTimestamp: "1" },
      })),
    },
    lambdaContext(),
  );

const started = () =>
  aws.requests.flatMap(({ action, body }) =>
    action === "StartExecution" ? [JSON.parse((body as { readonly input: string }).input) as unknown] : [],
  );

describe("a job", () => {
  it("starts an execution with its own fields only: others would fill the input of each step", async () => {
    expect(await send({ ...job, assume_role: "", note: "x".repeat(200_000) })).toEqual({ batchItemFailures: [] });
    expect(started()).toEqual([{ export: "user-logs", force: false, job: { ...job, assume_role: "" } }]);
  });

  it.each([
    { region: `eu-${"x".repeat(3_000)}-1` },
    { assume_role: `arn:aws:iam::123456789012:role/${"x".repeat(3_000)}` },
    { application: "x".repeat(65) },
    { table_name: "x".repeat(256) },
  ])("that no key of the state table can have fails, and no other of its batch", async (fields) => {
    expect(await send({ ...job, ...fields }, job)).toEqual({ batchItemFailures: [{ itemIdentifier: "m-0" }] });
    expect(started()).toMatchObject([{ job }]);
  });
});
