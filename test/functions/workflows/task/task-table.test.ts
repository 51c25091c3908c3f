import type { PageKey } from "../../../../functions/workflows/task/task-table";
import { fakeTaskTable } from "../../../support/fake-task-table";

const ARN = "arn:aws:states:eu-central-1:000000000000:execution:almanac-test-workflows-task:order-1";

describe("the table of tasks", () => {
  it.each(["1763707500.5", "9007199254740993", "9007199254740993.5", "1".padEnd(38, "0")])(
    "is listed on past a row of another program, whose timestamp is %s",
    async (timestamp) => {
      const table = fakeTaskTable();
      await table.putStarted([
        { taskId: "early", arn: "arn:early", startedAt: 1_000 },
        { taskId: "late", arn: "arn:late", startedAt: 2_000 },
      ]);
      const Item = { taskId: { S: "odd" }, timestamp: { N: timestamp }, status: { S: "STARTED" } };
      await table.services["dynamodb:putItem"]({ TableName: "tasks", Item });
      const found: string[] = [];
      let from: PageKey | undefined;
      do {
        const { tasks, malformed, next } = await table.list("STARTED", { limit: 1, from });
        found.push(...tasks.map(({ taskId }) => taskId), ...malformed);
        from = next;
      } while (from !== undefined);
      expect(found).toEqual(["odd", "late", "early"]);
    },
  );

  it("keeps the start of its execution when the reconciler writes the end", async () => {
    const table = fakeTaskTable();
    await table.putStarted([{ taskId: "order-1", arn: ARN, startedAt: 1_000 }]);
    const before = table.row("order-1");
    const isWritten = await table.writeEnd(
      { taskId: "order-1", timestamp: 1 },
      { arn: ARN, startedAt: 9_000 },
      { status: "ABORTED", at: 20_000, reason: "its execution no longer exists" },
    );
    expect([isWritten, table.row("order-1")]).toMatchObject([
      true,
      { startDate: before?.["startDate"], inputHash: before?.["inputHash"] },
    ]);
  });

  it.each<readonly [string, object]>([
    ["no history", { executionArn: { S: ARN }, startDate: { S: "2026-11-21T12:00:00Z" } }],
    [
      "a history without times",
      {
        executionArn: { S: ARN },
        startDate: { S: "2026-11-21T12:00:00Z" },
        history: { L: [{ M: { status: { S: "STARTED" }, at: { S: "yesterday" } } }] },
      },
    ],
  ])("passes over the row of another program, with %s", async (_, attributes) => {
    const table = fakeTaskTable();
    const Item = { taskId: { S: "order-1" }, timestamp: { N: "7" }, status: { S: "STARTED" }, ...attributes };
    await table.services["dynamodb:putItem"]({ TableName: "tasks", Item });
    expect(await table.read("order-1")).toBeUndefined();
    expect(await table.list("STARTED", {})).toMatchObject({ tasks: [], malformed: ["order-1"] });
    await table.putStarted([{ taskId: "order-1", arn: ARN, startedAt: 1_000 }]);
    expect(await table.read("order-1")).toMatchObject({ timestamp: 1, executionArn: ARN });
  });
});
