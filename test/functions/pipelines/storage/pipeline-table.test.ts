import { pipelineSchema } from "../../../../functions/pipelines/contract";
import { readMessage } from "../../../../functions/pipelines/message/message";
import { messageWriter } from "../../../../functions/pipelines/storage/pipeline-table";
import { AwsJsonError } from "../../../../functions/shared/aws/aws-json";
import { conditionHolds } from "../../../support/dynamodb-condition";

type Request = Parameters<typeof conditionHolds>[0] & {
  readonly Item: Readonly<Record<string, { readonly S: string }>>;
};

/** One row in memory, and who may write it. */
function setup(row?: Request["Item"]) {
  let stored = row;
  const call = (_: string, body: string): Promise<string> => {
    const request = JSON.parse(body) as Request;
    if (!conditionHolds(request, stored))
      return Promise.reject(new AwsJsonError("ConditionalCheckFailedException", "", 400));
    stored = request.Item;
    return Promise.resolve("{}");
  };
  const write = messageWriter({ call, close: () => undefined }, "table");
  return async (message: object, version?: string) => {
    const pipeline = pipelineSchema.parse({ key: "/id", ...(version !== undefined && { version }) });
    const isWritten = await write(readMessage(JSON.stringify({ id: "1", ...message }), pipeline, 1_795_248_000_000));
    return [isWritten, stored?.["version"]?.S];
  };
}

describe("a row", () => {
  it("is replaced by the first message after `version` was added, though its number is less than the time of receipt", async () => {
    const write = setup();
    expect(await write({})).toEqual([true, "1795248000000"]);
    expect(await write({ revision: 7 }, "/revision")).toEqual([true, "7"]);
    expect(await write({ revision: 6 }, "/revision")).toEqual([false, "7"]);
    expect(await write({ revision: 8 }, "/revision")).toEqual([true, "8"]);
  });

  it("is replaced by the first message after `version` was removed, or has become another value", async () => {
    const write = setup();
    const message = { updatedAt: "2040-01-01T00:00:00Z", revision: 2 };
    expect(await write(message, "/updatedAt")).toEqual([true, "2040-01-01T00:00:00Z"]);
    expect(await write(message, "/revision")).toEqual([true, "2"]);
    expect(await write({ ...message, revision: 1 }, "/revision")).toEqual([false, "2"]);
    expect(await write(message, "/updatedAt")).toEqual([true, "2040-01-01T00:00:00Z"]);
    expect(await write({})).toEqual([true, "1795248000000"]);
  });

  it("that was written by hand is replaced", async () => {
    expect(await setup({ key: { S: "1" } })({ v: 1 }, "/v")).toEqual([true, "1"]);
  });
});
