import type { ExecutionEnd } from "../../../../functions/exports/run/executions";
import { recordEnds, type RunningExport } from "../../../../functions/exports/run/reconciler";
import { MINUTE_MS } from "../../../../functions/shared/time";

const NOW = Date.parse("2026-11-21T12:00:00Z");
const ABORTED: ExecutionEnd = { status: "ABORTED", error: undefined, cause: "by hand" };

/** Exports that have been running for these minutes, and how their executions ended. */
function setUp(
  exports: Readonly<Record<string, { readonly minutes: number; readonly end: ExecutionEnd | "running" | "unknown" }>>,
  unreadable: readonly string[] = [],
) {
  const failed: string[] = [];
  const runningExports: readonly RunningExport[] = Object.entries(exports).map(([exportId, { minutes }]) => ({
    exportId,
    execution: `arn:${exportId}`,
    since: NOW - minutes * MINUTE_MS,
  }));
  const run = (execution?: string) =>
    recordEnds(
      {
        runningExports: (onUnreadable) => {
          for (const exportId of unreadable) onUnreadable(exportId);
          return Promise.resolve(runningExports);
        },
        endOf: (arn) => {
          const end = exports[arn.slice("arn:".length)]?.end;
          return end === undefined ? Promise.reject(new Error("slow down")) : Promise.resolve(end);
        },
        fail: (exportId, arn, { status, cause }) => {
          if (exportId === "broken") return Promise.reject(new Error("no network"));
          failed.push(`${exportId} ${arn} ${status}: ${cause}`);
          return Promise.resolve(exportId === "again" ? "repeated" : "recorded");
        },
        now: () => NOW,
      },
      execution,
    );
  return { run, failed };
}

describe("the reconciler", () => {
  it("records the end of an execution that has not recorded it, of no other", async () => {
    const { run, failed } = setUp({
      orders: { minutes: 600, end: ABORTED },
      users: { minutes: 600, end: "running" },
      again: { minutes: 600, end: ABORTED },
    });
    expect(await run()).toEqual({ recorded: ["orders"], failures: [] });
    expect(failed).toEqual(["orders arn:orders ABORTED: by hand", "again arn:again ABORTED: by hand"]);
  });

  it.each([
    [14, []],
    [15, ["orders arn:orders ABORTED: its execution no longer exists"]],
  ])(
    "takes an execution that is unknown %i minutes after its claim for one that was just started, or is gone",
    async (minutes, ended) => {
      const { run, failed } = setUp({ orders: { minutes, end: "unknown" } });
      await run();
      expect(failed).toEqual(ended);
    },
  );

  it("records the others when one fails, and says which", async () => {
    const { run, failed } = setUp({
      broken: { minutes: 600, end: ABORTED },
      orders: { minutes: 600, end: ABORTED },
    });
    expect(await run()).toEqual({ recorded: ["orders"], failures: ["broken: no network"] });
    expect(failed).toHaveLength(1);
  });

  it("records the others when a row cannot be read, and says which", async () => {
    const { run, failed } = setUp({ orders: { minutes: 600, end: ABORTED } }, ["users"]);
    const failures = ["users: the row that says that it runs cannot be read"];
    expect(await run()).toEqual({ recorded: ["orders"], failures });
    expect(failed).toHaveLength(1);
  });

  it("looks only at the execution of its event", async () => {
    const { run, failed } = setUp({ orders: { minutes: 600, end: ABORTED }, users: { minutes: 600, end: ABORTED } });
    await run("arn:users");
    expect(failed).toEqual(["users arn:users ABORTED: by hand"]);
  });
});
