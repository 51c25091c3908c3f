import { PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { mockClient } from "aws-sdk-client-mock";
import { keepResult } from "../../../functions/workflows/keep-result";
import { lambdaContext } from "../../support/lambda";

const s3 = mockClient(S3Client);
const TASK = { taskId: "order-1", timestamp: 1_795_262_400 };

beforeEach(() => {
  s3.reset();
  process.env["RESULTS_BUCKET"] = "results";
});
afterEach(() => {
  delete process.env["RESULTS_BUCKET"];
});

describe("the result of work", () => {
  it.each([
    [{ paid: true }, '{"paid":true}'],
    ["a\ud83d", String.raw`"a\ud83d"`],
    [null, "null"],
    [undefined, ""],
  ])("is kept as JSON: %j", async (result, json) => {
    expect(await keepResult(() => Promise.resolve(result))(TASK, lambdaContext())).toEqual({ json, location: "" });
    expect(s3.commandCalls(PutObjectCommand)).toEqual([]);
  });

  it("is an object in S3 when it is large, the same one for each attempt and another one for each task", async () => {
    const large = "x".repeat(6_000_000);
    const work = keepResult(() => large);
    const first = await work(TASK, lambdaContext());
    expect(first).toEqual({
      json: "",
      location: expect.stringMatching(/^s3:\/\/results\/results\/[0-9a-f]{64}\.json$/) as unknown,
    });
    expect(await work(TASK, lambdaContext())).toEqual(first);
    expect(await work({ ...TASK, timestamp: 1 }, lambdaContext())).not.toEqual(first);
    expect(s3.commandCalls(PutObjectCommand)[0]?.args[0].input).toMatchObject({
      Bucket: "results",
      Body: JSON.stringify(large),
    });
  });

  it("is large by its bytes, not by its characters", async () => {
    const kept = await keepResult(() => "ä".repeat(15_000))(TASK, lambdaContext());
    expect(kept.location).toBe("");
    const { json, location } = await keepResult(() => "ä".repeat(20_000))(TASK, lambdaContext());
    expect([json, location]).toEqual(["", expect.stringMatching(/^s3:/)]);
  });

  it("is none when the work fails, or has a result without JSON", async () => {
    await expect(keepResult(() => Promise.reject(new Error("no funds")))(TASK, lambdaContext())).rejects.toThrow(
      "no funds",
    );
    await expect(keepResult(() => 1n)(TASK, lambdaContext())).rejects.toThrow("BigInt");
  });
});
