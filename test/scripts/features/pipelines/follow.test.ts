import type { QueueItem } from "../../../../functions/pipelines/slack/slack-sender";
import { pipelineSchema } from "../../../../functions/pipelines/contract";
import { notificationOf } from "../../../../functions/pipelines/slack/notification";
import { followMessage, type FollowPorts } from "../../../../scripts/features/pipelines/follow";

const queued: QueueItem = {
  pipeline: "jobOrder",
  position: "1",
  notification: { pipeline: "jobOrder", key: "17", kind: "new", receivedAt: "", fields: [] },
};

/** What is there at each second. */
function setup(world: {
  readonly row?: number;
  readonly quiet?: boolean;
  readonly queued?: readonly [from: number, to: number];
  readonly setAside?: number;
}) {
  let seconds = 0;
  const steps: string[] = [];
  const since = (at: number | undefined) => at !== undefined && seconds >= at;
  const ports: FollowPorts = {
    readRow: () =>
      Promise.resolve(
        since(world.row)
          ? { version: "1", receivedAt: "2026-11-21T07:00:00.000Z", quiet: world.quiet ?? false }
          : undefined,
      ),
    notifications: {
      pipeline: "jobOrder",
      webhook: "/slack",
      table: {
        read: () => Promise.resolve(since(world.queued?.[0]) && !since(world.queued?.[1]) ? [queued] : []),
        readSetAside: () =>
          Promise.resolve(
            since(world.setAside) ? [{ position: "1", fault: "f", item: { notification: { S: '{"key":"17"' } } }] : [],
          ),
      },
    },
    onStep: (line) => steps.push(line),
    now: () => seconds * 1_000,
    sleep: (milliseconds) => Promise.resolve(void (seconds += milliseconds / 1_000)),
  };
  return { ports, steps, seconds: () => seconds };
}

const follow = async (world: Parameters<typeof setup>[0], version?: string) => {
  const { ports, steps, seconds } = setup(world);
  const followed = await followMessage(
    { key: "17", timeoutMs: 60_000, ...(version !== undefined && { version }) },
    ports,
  );
  return { followed, steps, seconds: seconds() };
};

describe("following a message", () => {
  it("ends when its notification has left the queue", async () => {
    expect(await follow({ row: 2, queued: [3, 9] })).toEqual({
      followed: "delivered",
      steps: [
        "row: version 1, received 2026-11-21T07:00:00.000Z",
        "Slack: the notification waits, 1 in the queue for /slack",
      ],
      seconds: 9,
    });
  });

  it.each([
    [{}, "no row"],
    [{ row: 1 }, "delivered"],
    [{ row: 1, quiet: true }, "stored"],
    [{ row: 1, queued: [2, 1_000] }, "waiting for Slack"],
    [{ row: 1, setAside: 2 }, "set aside"],
  ] as const)("through %j: %s", async (world, followed) => {
    expect((await follow(world)).followed).toBe(followed);
  });

  it("says a version of a message on one line", async () => {
    const { ports, steps } = setup({ row: 1, quiet: true });
    const row = { version: "1\nSlack: delivered\u202e", receivedAt: "", quiet: true };
    await followMessage({ key: "17", timeoutMs: 60_000 }, { ...ports, readRow: () => Promise.resolve(row) });
    expect(steps).toEqual(["row: version 1⏎Slack: delivered\ufffd, received "]);
  });

  it("does not take one for delivered that may wait behind those that it reads", async () => {
    const { ports } = setup({ row: 1 });
    const other: QueueItem = { ...queued, notification: { ...queued.notification, key: "18" } };
    const read = (_: string, limit: number) => Promise.resolve(Array.from({ length: limit }, () => other));
    const table = { read, readSetAside: () => Promise.resolve([]) };
    const notifications = { pipeline: "jobOrder", webhook: "/slack", table };
    expect(await followMessage({ key: "17", timeoutMs: 20_000 }, { ...ports, notifications })).toBe(
      "waiting for Slack",
    );
  });

  it("does not take another one that was set aside for its own", async () => {
    const { ports } = setup({ row: 1 });
    const item = { notification: { S: '{"key":"2017"' }, position: { S: "2026-11-17T00:00:00.000Z#jobOrder#17" } };
    const readSetAside = () => Promise.resolve([{ position: "1", fault: "f", item }]);
    const table = { read: () => Promise.resolve([]), readSetAside };
    const notifications = { pipeline: "jobOrder", webhook: "/slack", table };
    expect(await followMessage({ key: "17", timeoutMs: 20_000 }, { ...ports, notifications })).toBe("delivered");
  });

  it.each([
    ["a long key", "k".repeat(300), []],
    ["a private key", "secret", ["/id"]],
  ])("sees the notification of %s, which has not the whole key", async (_, key, secrets) => {
    const { ports } = setup({ row: 1 });
    const receivedAt = "2026-11-21T07:00:00.000Z";
    const after = { key: { S: key }, receivedAt: { S: receivedAt }, digest: { S: "1" } };
    const pipeline = pipelineSchema.parse({ key: "/id", private: secrets });
    const notification = notificationOf("jobOrder", pipeline, { before: undefined, after });
    if (notification === undefined || ports.notifications === undefined) throw new Error("no notification");
    const table = {
      ...ports.notifications.table,
      read: () => Promise.resolve([{ pipeline: "jobOrder", position: "1", notification }]),
    };
    const stuck = { ...ports, notifications: { ...ports.notifications, table } };
    expect(await followMessage({ key, timeoutMs: 20_000 }, stuck)).toBe("waiting for Slack");
  });

  it("waits for the version that it is given", async () => {
    expect((await follow({}, "2")).followed).toBe("no row");
    expect(await follow({ row: 1 }, "2")).toMatchObject({
      followed: "another version",
      steps: ["row: version 1, received 2026-11-21T07:00:00.000Z"],
    });
  });
});
