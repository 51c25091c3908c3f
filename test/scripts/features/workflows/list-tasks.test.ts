/** The list of tasks, over DynamoDB's pages. */
import { jsonText } from "../../../../functions/shared/json-text";
import type { TaskRow } from "../../../../functions/workflows/contract";
import type { TaskTable } from "../../../../functions/workflows/task/task-table";
import { listTasks } from "../../../../scripts/features/workflows/list-tasks";

const at = "2026-11-21T12:00:00.000Z";
const row = (taskId: string): TaskRow => ({
  taskId,
  timestamp: 1,
  status: "DONE",
  executionArn: "arn:aws:states:eu-central-1:000000000000:execution:task:order-1",
  history: [{ status: "STARTED", at }],
  startDate: at,
  result: '{"sum":9007199254740993}',
  resultLocation: undefined,
  approvals: [{ state: "Approve", requestedAt: at, token: "secret-token" }],
});

/** A megabyte has two of these rows; one page has none that is a task. */
const rows = ["1", "2", "", "", "3", "4", "5"].map((id) => (id === "" ? undefined : row(id)));
const table: Pick<TaskTable, "list"> = {
  list: (status, { limit = Infinity, from }) => {
    const start = Number(from?.taskId ?? 0);
    const end = Math.min(start + 2, start + limit, rows.length);
    return Promise.resolve({
      tasks: rows.slice(start, end).flatMap((each) => each ?? []),
      malformed: [],
      ...(end < rows.length && { next: { taskId: String(end), timestamp: "1", status } }),
    });
  },
};
const idsOf = async (limit: number) => (await listTasks(table, "DONE", limit)).map(({ taskId }) => taskId);

describe("a list of tasks", () => {
  it("has as many as are asked for, and no more, on however many pages they are", async () => {
    expect(await idsOf(4)).toEqual(["1", "2", "3", "4"]);
    expect(await idsOf(1)).toEqual(["1"]);
    expect(await idsOf(50)).toEqual(["1", "2", "3", "4", "5"]);
  });

  it("has tasks as the API shows them: no tokens, and results with all their digits", async () => {
    const text = jsonText({ tasks: await listTasks(table, "DONE", 1) });
    expect(text).toContain('"result":{"sum":9007199254740993}');
    expect(text).not.toContain("secret-token");
    expect(text).not.toContain("startDate");
  });
});
