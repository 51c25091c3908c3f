/** What the console keeps for a while, where the environment's clock is moved. */
import { CloudWatchLogsClient, FilterLogEventsCommand } from "@aws-sdk/client-cloudwatch-logs";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { mockClient } from "aws-sdk-client-mock";
import { logTail } from "../../../scripts/console/readers/log-tail";
import { timersReader } from "../../../scripts/console/readers/timers";

const NOW = Date.parse("2026-11-21T06:56:00.000Z");
const DAY_MS = 86_400_000;
const aws = { region: "eu-central-1", endpoint: "http://127.0.0.1:4566" };

/** A machine on which time passes only as a test says, and an environment whose clock is ahead of it. */
function clocks() {
  const ahead = { ms: 0 };
  let elapsedMs = 0;
  return {
    ahead,
    now: () => NOW + elapsedMs + ahead.ms,
    elapsed: () => elapsedMs,
    passes: (ms: number) => {
      elapsedMs += ms;
    },
  };
}

describe("the list of timers", () => {
  it("is read again after two seconds, wherever the clock was moved meanwhile", async () => {
    const { ahead, now, elapsed, passes } = clocks();
    const read = jest.fn(() => {
      // While it is read, an hour passes there.
      ahead.ms += 3_600_000;
      return Promise.resolve({ timers: [], unreadable: [] });
    });
    const { list } = timersReader(now, elapsed, read);
    const environment = { aws, features: {}, dynamodb: new DynamoDBClient(aws) };
    await list(environment);
    await list(environment);
    expect(read).toHaveBeenCalledTimes(1);
    passes(2_001);
    await list(environment);
    expect(read).toHaveBeenCalledTimes(2);
    ahead.ms = -DAY_MS;
    passes(2_001);
    await list(environment);
    expect(read).toHaveBeenCalledTimes(3);
  });
});

describe("the tail of the logs", () => {
  const state = {
    resources: [
      {
        type: "aws_cloudwatch_log_group",
        module: "module.timers",
        mode: "managed",
        name: "logs",
        instances: [{ attributes: { name: "/aws/lambda/almanac-local-timers-dispatch" } }],
      },
    ],
  };

  function setup(lines: readonly { readonly timestamp: number; readonly message: string }[]) {
    const clock = clocks();
    const logs = new CloudWatchLogsClient(aws);
    const mock = mockClient(logs);
    mock.on(FilterLogEventsCommand).callsFake(({ startTime = 0 }: { readonly startTime?: number }) =>
      Promise.resolve({
        events: lines
          .filter(({ timestamp }) => timestamp >= startTime && timestamp <= clock.now())
          .map((each) => ({ ...each, eventId: String(each.timestamp) })),
      }),
    );
    const { read } = logTail(clock.now, clock.elapsed);
    return { ...clock, asked: () => mock.calls().length, read: () => read({ aws, logs, state, name: "local" }) };
  }

  it("forgets what has not happened, when the clock is moved back to now", async () => {
    const tomorrow = { timestamp: NOW + DAY_MS, message: "tomorrow" };
    const { ahead, passes, read } = setup([{ timestamp: NOW, message: "today" }, tomorrow]);
    expect(await read()).toMatchObject([{ message: "today" }]);
    ahead.ms = DAY_MS;
    passes(1_001);
    expect(await read()).toMatchObject([{ message: "tomorrow" }]);
    ahead.ms = 0;
    expect(await read()).toMatchObject([{ message: "today" }]);
  });

  it("is read once a second, however fast the clock is", async () => {
    const { ahead, passes, read, asked } = setup([]);
    await read();
    ahead.ms += 60_000;
    await read();
    expect(asked()).toBe(1);
    passes(1_001);
    await read();
    expect(asked()).toBe(2);
  });

  it("has the latest lines only, where lines are very long", async () => {
    const long = "x".repeat(1_000_000);
    const lines = Array.from({ length: 60 }, (_, index) => ({
      timestamp: NOW - 60 + index,
      message: `${index} ${long}`,
    }));
    const kept = await setup(lines).read();
    expect(kept.length).toBeLessThan(50);
    expect(kept.at(-1)?.message.slice(0, 3)).toBe("59 ");
  });
});
