import { pipelineSchema } from "../../../../functions/pipelines/contract";
import { pointersOf, readMessage } from "../../../../functions/pipelines/message/message";
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
  return async (message: object, version?: string, since?: string) => {
    const pipeline = pipelineSchema.parse({ key: "/id", ...(version !== undefined && { version }) });
    const isWritten = await write(
      readMessage(JSON.stringify({ id: "1", ...message }), pipeline, 1_795_248_000_000, pointersOf(pipeline, since)),
    );
    return [isWritten, stored?.["version"]?.S];
  };
}

const LATER = "2026-11-22T00:00:00Z";
const LATEST = "2026-11-23T00:00:00Z";

describe("a row", () => {
  it("is replaced by the first message after `version` was added, though its number is less than the time of receipt", async () => {
    const write = setup();
    expect(await write({})).toEqual([true, "1795248000000"]);
    expect(await write({ revision: 7 }, "/revision", LATER)).toEqual([true, "7"]);
    expect(await write({ revision: 6 }, "/revision", LATER)).toEqual([false, "7"]);
    expect(await write({ revision: 8 }, "/revision", LATER)).toEqual([true, "8"]);
  });

  it("is replaced by the first message after `version` was removed, or has become another value", async () => {
    const write = setup();
    const message = { updatedAt: "2040-01-01T00:00:00Z", revision: 2 };
    expect(await write(message, "/updatedAt")).toEqual([true, "2040-01-01T00:00:00Z"]);
    expect(await write(message, "/revision", LATER)).toEqual([true, "2"]);
    expect(await write({ ...message, revision: 1 }, "/revision", LATER)).toEqual([false, "2"]);
    expect(await write(message, "/updatedAt", LATEST)).toEqual([true, "2040-01-01T00:00:00Z"]);
    expect(await write({}, undefined, "2026-11-24T00:00:00Z")).toEqual([true, "1795248000000"]);
  });

  it("is kept from a message that was accepted before `version` was changed, in whatever order they come", async () => {
    const write = setup();
    expect(await write({ revision: 7 }, "/revision", LATER)).toEqual([true, "7"]);
    expect(await write({ updatedAt: "2040-01-01T00:00:00Z" }, "/updatedAt")).toEqual([false, "7"]);
    expect(await write({})).toEqual([false, "7"]);
  });

  it("survives that `version` is changed and changed back: an older message does not replace it", async () => {
    const write = setup();
    expect(await write({ revision: 7 }, "/revision")).toEqual([true, "7"]);
    expect(await write({ revision: 6 }, "/revision", LATEST)).toEqual([false, "7"]);
    expect(await write({ revision: 8 }, "/revision", LATEST)).toEqual([true, "8"]);
  });

  it("without what is known of its time is replaced by a version of another source, and not by an older one", async () => {
    const row = { key: { S: "1" }, versionOrder: { S: "21000117" }, versionSource: { S: "/revision" } };
    expect(await setup(row)({ revision: 6 }, "/revision", LATER)).toEqual([false, undefined]);
    expect(await setup(row)({ v: 1 }, "/v", LATER)).toEqual([true, "1"]);
  });

  it("is the same of two messages with one version, whichever comes first", async () => {
    const [one, other] = [
      { revision: 7, total: 1 },
      { revision: 7, total: 2 },
    ];
    const later = await Promise.all(
      [[one, other] as const, [other, one] as const].map(async ([first, second]) => {
        const write = setup();
        expect(await write(first, "/revision")).toEqual([true, "7"]);
        expect(await write(first, "/revision")).toEqual([false, "7"]);
        return (await write(second, "/revision"))[0];
      }),
    );
    expect(later.sort()).toEqual([false, true]);
  });

  it("that was written by hand is replaced", async () => {
    expect(await setup({ key: { S: "1" } })({ v: 1 }, "/v")).toEqual([true, "1"]);
  });
});
