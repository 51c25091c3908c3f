/** A deployment changes a pipeline's `version` while messages are in its queue, and while the functions of before still run. */
import { pipelineSchema } from "../../../../functions/pipelines/contract";
import { pointersOf, readMessage, type Message } from "../../../../functions/pipelines/message/message";
import { ingestBatch } from "../../../../functions/pipelines/storage/ingest-batch";
import { messageWriter } from "../../../../functions/pipelines/storage/pipeline-table";
import { AwsJsonError } from "../../../../functions/shared/aws/aws-json";
import { conditionHolds } from "../../../support/dynamodb-condition";
import fc from "../../../support/fast-check";

const configured = (version: string | undefined) =>
  pipelineSchema.parse({ key: "/id", ...(version !== undefined && { version }) });

/** The configuration before and after the deployment. Neither version need be in the messages of the other. */
const CHANGES: readonly (readonly [before: string | undefined, after: string | undefined])[] = [
  [undefined, "/revision"],
  ["/revision", undefined],
  ["/updatedAt", "/revision"],
];
const [BEFORE, AFTER] = ["2026-11-21T07:00:00Z", "2026-11-22T07:00:00Z"] as const;

const sentSchema = fc.record({
  /** Whether the gate of before accepted it, or that of the new configuration. */
  byOldGate: fc.boolean(),
  /** Whether an ingest function of before stores it. */
  byOldIngest: fc.boolean(),
  rank: fc.integer({ min: 1, max: 9 }),
});

type Row = Readonly<Record<string, { readonly S: string }>>;

/** The order in which the messages are stored is that of the array. */
async function storedRow(
  before: string | undefined,
  after: string | undefined,
  sent: readonly { readonly byOldGate: boolean; readonly byOldIngest: boolean; readonly rank: number }[],
) {
  let row: Row | undefined;
  const accepted: { readonly message: Message; readonly isOld: boolean }[] = [];
  const call = (_: string, body: string): Promise<string> => {
    const request = JSON.parse(body) as Parameters<typeof conditionHolds>[0] & { readonly Item: Row };
    if (!conditionHolds(request, row))
      return Promise.reject(new AwsJsonError("ConditionalCheckFailedException", "", 400));
    row = request.Item;
    return Promise.resolve("{}");
  };
  const write = messageWriter({ call, close: () => undefined }, "table");
  for (const [index, { byOldGate, byOldIngest, rank }] of sent.entries()) {
    const gate = configured(byOldGate ? before : after);
    const pointers = pointersOf(gate, byOldGate ? BEFORE : AFTER);
    const receivedAt = 1_795_248_000_000 + rank;
    const version = {
      ...(gate.version === undefined ? {} : { [gate.version.slice(1)]: versionOf(gate.version, rank) }),
    };
    const text = JSON.stringify({ id: "1", ...version, text: rank });
    accepted.push({ message: readMessage(text, gate, receivedAt, pointers), isOld: byOldGate });
    const { failures } = await ingestBatch(
      [{ id: String(index), text, pointers, receivedAt, archived: false, quiet: false }],
      { name: "jobOrder", pipeline: configured(byOldIngest ? before : after), archive: () => Promise.resolve(), write },
    );
    expect(failures).toEqual([]);
  }
  return { row, accepted };
}

const versionOf = (pointer: string, rank: number) => (pointer === "/revision" ? rank : `2040-01-01T00:00:0${rank}Z`);

describe("while a pipeline gets another version", () => {
  it.each(CHANGES)(
    "from %s to %s, what was accepted becomes a row, and none loses to an older one",
    async (before, after) => {
      await fc.assert(
        fc.asyncProperty(fc.array(sentSchema, { minLength: 1, maxLength: 8 }), async (sent) => {
          const { row, accepted } = await storedRow(before, after, sent);
          // Accepted by the new configuration is newer than accepted by that of before; of one, the greater version is.
          const [newest] = accepted.toSorted(
            (a, b) => Number(a.isOld) - Number(b.isOld) || (a.message.versionOrder < b.message.versionOrder ? 1 : -1),
          );
          expect(row?.["data"]?.S).toBe(newest?.message.data);
        }),
      );
    },
  );
});
