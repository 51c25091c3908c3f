import type { PageKey } from "../../../../functions/workflows/task/task-table";
import { fakeTaskTable } from "../../../support/fake-task-table";

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
});
