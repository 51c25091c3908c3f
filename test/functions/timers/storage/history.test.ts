import { AwsJsonError } from "../../../../functions/shared/aws/aws-json";
import { FIRE_OUTCOMES, type Fire } from "../../../../functions/timers/schedule/timer";
import { history, type ObservedFire } from "../../../../functions/timers/storage/history";
import { holds, type Request } from "../../../support/dynamodb-expressions";
import { virtualClock } from "../../../support/virtual-clock";

const DUE = Date.parse("2026-11-21T07:00:00Z");
const fire: Fire = {
  kind: "periodic",
  id: "tea",
  version: "v1",
  shard: "shard0",
  due: DUE,
  data: "{}",
  fireId: "periodic#tea#v1#2026-11-21T07:00:00.000Z",
};
const observed = (outcome: ObservedFire["outcome"], firedAt = DUE): ObservedFire => {
  return { fire, outcome, firedAt, durationMs: 5, attempts: 1 };
};

describe("the history of fires", () => {
  const calls: (readonly [action: string, input: unknown])[] = [];
  const historyThat = (answer: () => Promise<string>) =>
    history(
      {
        call: (target, body) => {
          calls.push([target.replace("DynamoDB_20120810.", ""), JSON.parse(body)]);
          return answer();
        },
        close: () => undefined,
      },
      "history",
      { clock: virtualClock(DUE), random: () => 0.5 },
    );
  beforeEach(() => {
    calls.length = 0;
  });

  it("is read in strides, the latest due time first", async () => {
    await historyThat(() => Promise.resolve("{}")).read(fire, 7, "key");
    const start = { timer: { S: "periodic#tea" }, fire: { S: "key" } };
    expect(calls).toMatchObject([["Query", { ScanIndexForward: false, Limit: 7, ExclusiveStartKey: start }]]);
  });

  it("keeps a fire for seven days after its last delivery, though that is late", async () => {
    await historyThat(() => Promise.resolve("{}")).record([observed("failed", DUE + 86_400_000)], DUE + 2_000);
    expect(calls).toMatchObject([["PutItem", { Item: { ttl: { N: String(DUE / 1_000 + 8 * 86_400) } } }]]);
  });

  it("keeps a success when another delivery fails", async () => {
    const failed = new AwsJsonError("ConditionalCheckFailedException", "no", 400, {});
    const unrecorded = await historyThat(() => Promise.reject(failed)).record([observed("failed")], DUE + 2_000);
    expect(unrecorded).toBe(0);
    const [[, input] = []] = calls;
    const { ConditionExpression: condition = "", ...request } = input as Request;
    const replaced = FIRE_OUTCOMES.filter((outcome) => holds(condition, { outcome: { S: outcome } }, request));
    expect([holds(condition, {}, request), replaced]).toEqual([
      true,
      FIRE_OUTCOMES.filter((outcome) => outcome !== "succeeded"),
    ]);
  });

  it.each(["failed", "succeeded"] as const)("counts what it could not record: %s", async (outcome) => {
    const failed = new AwsJsonError("AccessDeniedException", "no", 400, {});
    expect(await historyThat(() => Promise.reject(failed)).record([observed(outcome)], DUE + 50)).toBe(1);
  });
});
