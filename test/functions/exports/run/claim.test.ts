import {
  claimRun,
  exportIdOf,
  type ActiveRun,
  type ClaimPorts,
  type ExportState,
  type FinishedDay,
} from "../../../../functions/exports/run/claim";
import { cursorSource, type Cursor } from "../../../../functions/exports/run/cursor";
import { DAY_MS, HOUR_MS, MINUTE_MS } from "../../../../functions/shared/time";
import {
  exportSchema,
  type ExportConfig,
  type Manifest,
  type Run,
  type RunRequest,
} from "../../../../functions/exports/contract";
import { buildManifest } from "../../../../functions/exports/run/manifest";
import fc from "../../../support/fast-check";

const NOON = Date.parse("2026-11-21T12:00:00Z");
const config = exportSchema.parse({ name: "logs", table: "app-logs" });
const incremental = exportSchema.parse({
  name: "logs",
  table: "app-logs",
  mode: "incremental",
  watermark: { attribute: "at", initialLookbackHours: 24, settleSeconds: 0 },
});
const home = { region: "eu-central-1", bucket: "files" };

/** A state table in memory, with conditional writes. */
function memoryState() {
  const active = new Map<string, ActiveRun>();
  const runs = new Map<string, Run>();
  const days = new Map<string, FinishedDay>();
  const cursors = new Map<string, Cursor>();
  const dues = new Map<string, number>();
  const wholeRuns = new Map<string, string>();
  const keys = new Map<string, string>();
  const alive = new Set<string>();
  const versions = new Map<string, number>();
  const replace = (run: Run, execution: string, { version }: ExportState): Promise<boolean> => {
    if ((versions.get(run.exportId) ?? 0) !== version) return Promise.resolve(false);
    versions.set(run.exportId, version + 1);
    active.set(run.exportId, { id: run.id, execution, attempt: run.attempt, abandoned: false, published: false });
    runs.set(`${run.exportId} ${run.id}`, run);
    alive.add(execution);
    return Promise.resolve(true);
  };
  const ports: ClaimPorts = {
    exportState: async (exportId) => {
      const seen = {
        active: active.get(exportId),
        cursor: cursors.get(exportId),
        wholeRun: wholeRuns.get(exportId),
        scheduledUntil: dues.get(exportId),
        version: versions.get(exportId) ?? 0,
      };
      await new Promise(setImmediate);
      return seen;
    },
    finishedDay: (exportId, { day, trigger, range }) =>
      Promise.resolve(days.get(JSON.stringify([exportId, day, trigger, range]))),
    reserveKey: (run, key) => {
      const owner = `${run.exportId} ${run.id}`;
      if (!keys.has(key)) keys.set(key, owner);
      return Promise.resolve(keys.get(key) === owner);
    },
    run: (exportId, id) => Promise.resolve(runs.get(`${exportId} ${id}`)),
    activate: replace,
    isRunning: (execution) => Promise.resolve(alive.has(execution)),
  };
  return {
    ports,
    die: (execution: string) => alive.delete(execution),
    /** Time to live. */
    forget: (run: Run) => runs.delete(`${run.exportId} ${run.id}`),
    /** Its files are lost. */
    abandon: ({ exportId }: Run) => {
      const found = active.get(exportId);
      if (found) active.set(exportId, { ...found, abandoned: true });
    },
    resetCursor: (exportId: string) => cursors.delete(exportId),
    finish: (run: Run, unusableItems = 0) => {
      active.delete(run.exportId);
      versions.set(run.exportId, (versions.get(run.exportId) ?? 0) + 1);
      days.set(JSON.stringify([run.exportId, run.day, run.trigger, run.range]), {
        run: run.id,
        location: "s3://files/there",
        window: run.window,
        source: cursorSource(run),
        follows: run.follows,
      });
      if (run.follows === run.id) wholeRuns.set(run.exportId, run.id);
      if (run.due !== undefined) dues.set(run.exportId, run.due);
      if (run.window && !run.keepsCursor)
        cursors.set(run.exportId, { value: run.window.to, source: cursorSource(run), unusableItems });
    },
  };
}

const claimInput = (execution: string, more: Partial<RunRequest> = {}, now = NOON, of = config) => ({
  request: { export: "logs", again: false, force: false, trigger: "manual" as const, ...more },
  config: of,
  home,
  execution,
  now,
});

describe("a claim", () => {
  it.each([
    ["rate(1 hour)", { day: "2026-11-20" }, "filed by hour: 2026-11-21T17"],
    ["rate(1 hour)", { day: "2026-11-20", time: "17:15" }, "filed by hour"],
    ["rate(15 minutes)", { day: "2026-11-20", time: "17" }, "filed by minute: 2026-11-21T17:15"],
    ["cron(0 17 * * ? *)", { day: "2026-11-20", time: "17" }, "filed by day: 2026-11-21"],
    [undefined, { day: "2026-11-20", time: "17" }, "filed by day"],
  ])(
    "with the schedule %s refuses %j: Athena would not find its files, and its cursor would be past their items",
    async (expression, slot, message) => {
      const { ports } = memoryState();
      const schedule = expression === undefined ? undefined : { expression, timeZone: "UTC" };
      const input = (trigger: RunRequest["trigger"]) => {
        const { config: of, ...claim } = claimInput("execution", { ...slot, trigger });
        return { ...claim, config: { ...of, schedule } };
      };
      for (const trigger of ["manual", "backfill"] as const)
        await expect(claimRun(input(trigger), ports)).rejects.toMatchObject({
          name: "ConfigurationError",
          message: expect.stringContaining(message) as string,
        });
      // The schedule has changed since its event.
      await expect(claimRun(input("schedule"), ports)).resolves.toMatchObject({ outcome: "run", run: slot });
    },
  );

  it("is given to one of any number that come at once", async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 2, max: 12 }), async (many) => {
        const { ports } = memoryState();
        const claims = await Promise.all(
          Array.from({ length: many }, (_, index) => claimRun(claimInput(`execution-${index}`), ports)),
        );
        const outcomes = claims.map(({ outcome }) => outcome);
        expect(outcomes.filter((outcome) => outcome === "run")).toHaveLength(1);
        expect(outcomes.filter((outcome) => outcome === "running")).toHaveLength(many - 1);
      }),
    );
  });

  it("made again by the same execution is the same run", async () => {
    const { ports } = memoryState();
    const first = await claimRun(claimInput("a"), ports);
    expect(await claimRun(claimInput("a", {}, NOON + 5_000), ports)).toEqual(first);
  });

  describe("of a table that was deleted and created again", () => {
    const of = (execution: string, tableId: string | undefined, mode = config, now = NOON) => ({
      ...claimInput(execution, {}, now, mode),
      tableId,
    });

    it("starts over: a segment would go on in another table", async () => {
      const { ports, die } = memoryState();
      const first = await claimRun(of("a", "one"), ports);
      die("a");
      expect(await claimRun(of("b", "one", config, NOON + 1_000), ports)).toMatchObject({ run: { attempt: 2 } });
      die("b");
      // Not known: in another account.
      expect(await claimRun(of("c", undefined, config, NOON + 2_000), ports)).toMatchObject({ run: { attempt: 3 } });
      die("c");
      expect(await claimRun(of("d", "two", config, NOON + 3_000), ports)).toMatchObject({
        run: { attempt: 1, tableId: "two", superseded: [{ id: first.outcome === "run" ? first.run.id : "" }] },
      });
    });

    it.each([
      ["is of the one there is then", config, 2],
      ["starts over if its window may be of the one before", incremental, 1],
    ])("but has found none, %s", async (_, mode, attempt) => {
      const { ports, die } = memoryState();
      await claimRun(of("a", undefined, mode), ports);
      die("a");
      expect(await claimRun(of("b", "one", mode, NOON + 1_000), ports)).toMatchObject({
        run: { attempt, tableId: "one" },
      });
    });

    it("needs a new cursor, and the error says so", async () => {
      const { ports, finish } = memoryState();
      const first = await claimRun(of("a", "one", incremental), ports);
      if (first.outcome === "run") finish(first.run);
      await expect(claimRun(of("b", "two", incremental, NOON + DAY_MS), ports)).rejects.toThrow(
        /app-logs was deleted and created again .* cursor <export> --set <time>`, or `--reset`/,
      );
      expect(await claimRun(of("c", "one", incremental, NOON + DAY_MS), ports)).toMatchObject({ outcome: "run" });
    });
  });

  it("of a finished day returns its location, unless it is forced", async () => {
    const { ports, finish } = memoryState();
    const first = await claimRun(claimInput("a"), ports);
    if (first.outcome === "run") finish(first.run);
    expect(await claimRun(claimInput("b"), ports)).toEqual({ outcome: "exists", location: "s3://files/there" });
    expect(await claimRun(claimInput("c", { force: true }), ports)).toMatchObject({
      outcome: "run",
      run: { id: "2026-11-21T12:00:00.000Z" },
    });
  });

  it("resumes the unfinished run of a dead execution first, with its own day and window", async () => {
    const { ports, die } = memoryState();
    const first = await claimRun(claimInput("a", {}, NOON, incremental), ports);
    die("a");
    const next = await claimRun(claimInput("b", {}, NOON + 86_400_000, incremental), ports);
    if (first.outcome !== "run" || next.outcome !== "run") throw new Error("no run");
    expect(next.run).toEqual({ ...first.run, attempt: 2, resumedAt: NOON + 86_400_000 });
    expect(next.run.day).toBe("2026-11-21");
  });

  it("starts an unfinished day over if the export's configuration has changed, then runs the requested day", async () => {
    const { ports, die, finish } = memoryState();
    await claimRun(claimInput("a"), ports);
    die("a");
    const mended = exportSchema.parse({ name: "logs", table: "other-logs" });
    const tomorrow = NOON + 86_400_000;
    const restarted = await claimRun(claimInput("b", {}, tomorrow, mended), ports);
    if (restarted.outcome !== "run") throw new Error(restarted.outcome);
    expect(restarted.run).toMatchObject({ day: "2026-11-21", attempt: 1, config: { table: "other-logs" } });
    expect(restarted.run.id).toBe("2026-11-22T12:00:00.000Z");
    finish(restarted.run);
    expect(await claimRun(claimInput("b", {}, tomorrow + 1, mended), ports)).toMatchObject({
      run: { day: "2026-11-22" },
    });
  });

  it("names the last hundred runs that it supersedes, however many have failed: its record stays small", async () => {
    const { ports, die } = memoryState();
    for (let number = 0; number < 130; number++) {
      const claim = await claimRun(claimInput(`${number}`, { force: true }, NOON + number), ports);
      die(`${number}`);
      if (claim.outcome !== "run") throw new Error(claim.outcome);
      expect(claim.run.superseded).toHaveLength(Math.min(number, 100));
      if (number > 0) expect(claim.run.superseded.at(-1)?.id).toBe(new Date(NOON + number - 1).toISOString());
    }
  });

  it("starts over if the record of the unfinished run has expired", async () => {
    const { ports, die, forget } = memoryState();
    const first = await claimRun(claimInput("a"), ports);
    die("a");
    if (first.outcome === "run") forget(first.run);
    expect(await claimRun(claimInput("b", {}, NOON + 100 * 86_400_000), ports)).toMatchObject({
      outcome: "run",
      run: { day: "2027-03-01", attempt: 1 },
    });
  });

  it("for DynamoDB's incremental export claims nothing when it comes too soon, and covers all changes later", async () => {
    const { ports, finish } = memoryState();
    const changes = exportSchema.parse({ name: "logs", table: "logs", engine: "dynamodb-export", mode: "incremental" });
    const first = await claimRun(claimInput("a", {}, NOON, changes), ports);
    if (first.outcome === "run") finish(first.run);
    const next = { day: "2026-11-22" };
    await expect(claimRun(claimInput("b", next, NOON + 60_000, changes), ports)).rejects.toThrow("1 have passed");
    expect(await claimRun(claimInput("c", next, NOON + 3_600_000, changes), ports)).toMatchObject({
      run: { window: { from: String(NOON), to: String(NOON + 3_600_000) } },
    });
  });

  it("that is forced discards the unfinished run of a dead execution", async () => {
    const { ports, die } = memoryState();
    await claimRun(claimInput("a"), ports);
    die("a");
    expect(await claimRun(claimInput("b", { force: true }, NOON + 1), ports)).toMatchObject({
      outcome: "run",
      run: { attempt: 1, id: "2026-11-21T12:00:00.001Z" },
    });
  });

  it("resumes a run for as long as S3 keeps its uploads, and then starts it over", async () => {
    for (const [days, attempt] of [
      [13.9, 2],
      [14, 1],
    ] as const) {
      const { ports, die } = memoryState();
      await claimRun(claimInput("a"), ports);
      die("a");
      expect(await claimRun(claimInput("b", {}, NOON + days * 86_400_000), ports)).toMatchObject({ run: { attempt } });
    }
  });

  it("supersedes all unfinished runs before it: the uploads of each may still be completed", async () => {
    const { ports, die } = memoryState();
    for (const [index, execution] of ["a", "b"].entries()) {
      await claimRun(claimInput(execution, { force: true }, NOON + index), ports);
      die(execution);
    }
    expect(await claimRun(claimInput("c", { force: true }, NOON + 2), ports)).toMatchObject({
      run: { superseded: [{ id: "2026-11-21T12:00:00.000Z" }, { id: "2026-11-21T12:00:00.001Z" }] },
    });
  });

  it("takes another id when a run of that millisecond exists", async () => {
    const { ports } = memoryState();
    const ids: string[] = [];
    const activate: ClaimPorts["activate"] = async (run, ...rest) => {
      ids.push(run.id);
      return ids.length > 1 && (await ports.activate(run, ...rest));
    };
    expect(await claimRun(claimInput("a"), { ...ports, activate })).toMatchObject({ outcome: "run" });
    expect(ids).toEqual(["2026-11-21T12:00:00.000Z", "2026-11-21T12:00:00.001Z"]);
  });

  it("that forces another day starts the unfinished one over first: its folder is without marker, and may have files", async () => {
    const { ports, die, finish } = memoryState();
    await claimRun(claimInput("a"), ports);
    die("a");
    const tomorrow = NOON + 86_400_000;
    const restarted = await claimRun(claimInput("b", { force: true }, tomorrow), ports);
    if (restarted.outcome !== "run") throw new Error(restarted.outcome);
    expect(restarted.run).toMatchObject({
      day: "2026-11-21",
      attempt: 1,
      superseded: [{ id: "2026-11-21T12:00:00.000Z" }],
    });
    finish(restarted.run);
    expect(await claimRun(claimInput("c", { force: true }, tomorrow + 1), ports)).toMatchObject({
      run: { day: "2026-11-22" },
    });
  });

  it("has consecutive windows; a forced rerun has its own window again, and does not move the cursor", async () => {
    const { ports, finish } = memoryState();
    const run = async (execution: string, now: number, force = false): Promise<Run> => {
      const claimed = await claimRun(claimInput(execution, { force }, now, incremental), ports);
      if (claimed.outcome !== "run") throw new Error(claimed.outcome);
      finish(claimed.run);
      return claimed.run;
    };
    const first = await run("a", NOON);
    const repeated = await run("b", NOON + 7_200_000, true);
    const late = await run("c", NOON + 3 * 86_400_000);
    expect(first.window).toEqual({ from: String(NOON / 1_000 - 86_400), to: String(NOON / 1_000) });
    expect(repeated.window).toEqual(first.window);
    expect(late.window).toEqual({ from: first.window?.to, to: String(NOON / 1_000 + 3 * 86_400) });
  });

  it("repeats no window of before the cursor was reset: a run since has its items", async () => {
    const { ports, finish, resetCursor } = memoryState();
    const config: ExportConfig = {
      ...incremental,
      watermark: { attribute: "at", unit: "seconds", settleSeconds: 0 },
    };
    const run = async (hour: number, more: object): Promise<Run> => {
      const claimed = await claimRun(claimInput(`${hour}`, more, NOON + hour * 3_600_000, config), ports);
      if (claimed.outcome !== "run") throw new Error(claimed.outcome);
      finish(claimed.run);
      return claimed.run;
    };
    const end = (hour: number): string => String(NOON / 1_000 + hour * 3_600);
    const first = await run(0, {});
    expect(await run(1, { force: true })).toMatchObject({
      window: { to: end(0) },
      follows: first.id,
      keepsCursor: true,
    });
    resetCursor("logs");
    const whole = await run(2, { trigger: "schedule" });
    expect(whole).toMatchObject({ window: { to: end(2) }, follows: whole.id });
    const next = await run(3, { force: true });
    expect(next).toMatchObject({ window: { from: end(2), to: end(3) }, follows: whole.id, keepsCursor: false });
    // What was exported since is repeated as before.
    expect(await run(4, { force: true })).toMatchObject({ window: next.window, replaces: next.id, keepsCursor: true });
  });

  it.each([
    ["2019-12-31", "2019-12-31 is before 2020-01-01"],
    ["2026-11-23", "2026-11-23 is in the future"],
    ["2206-11-21", "2206-11-21 is in the future"],
  ])("refuses the day %s, of which Athena has no partition", async (day, message) => {
    const { ports } = memoryState();
    await expect(claimRun(claimInput("a", { day }), ports)).rejects.toThrow(message);
    // Somewhere it is tomorrow.
    expect(await claimRun(claimInput("a", { day: "2026-11-22" }), ports)).toMatchObject({ outcome: "run" });
  });

  it("without a cursor has all items, also those of after it was due: its day's files, which it replaces, may have them", async () => {
    const { ports, finish, resetCursor } = memoryState();
    const whole = exportSchema.parse({
      name: "logs",
      table: "app-logs",
      mode: "incremental",
      watermark: { attribute: "at", settleSeconds: 0 },
    });
    const seconds = (at: number) => String(at / 1_000);
    const run = async (execution: string, more: Partial<RunRequest>, now: number, of = whole) => {
      const claimed = await claimRun(claimInput(execution, more, now, of), ports);
      if (claimed.outcome !== "run") throw new Error(claimed.outcome);
      finish(claimed.run);
      return claimed.run;
    };
    await run("by hand", {}, NOON + 3 * HOUR_MS);
    resetCursor("logs");
    // The day's run, which was missed.
    const missed = { day: "2026-11-21", trigger: "schedule", due: NOON } as const;
    expect(await run("missed", missed, NOON + DAY_MS)).toMatchObject({ window: { to: seconds(NOON + DAY_MS) } });
    const next = { day: "2026-11-22", trigger: "schedule", due: NOON + 12 * HOUR_MS } as const;
    const { window } = await run("next", next, NOON + DAY_MS);
    expect(window).toEqual({ from: seconds(NOON + DAY_MS), to: seconds(NOON + DAY_MS) });
    // A look back is from when it was due.
    resetCursor("logs");
    const third = { day: "2026-11-23", trigger: "schedule", due: NOON + 2 * DAY_MS } as const;
    expect(await run("third", third, NOON + 3 * DAY_MS, incremental)).toMatchObject({
      window: { from: seconds(NOON + DAY_MS), to: seconds(NOON + 2 * DAY_MS) },
    });
  });

  it("without a cursor is of the day that was requested, which has all that was missed; else the missed day comes first", async () => {
    const { ports, finish, resetCursor } = memoryState();
    const daily = {
      ...exportSchema.parse({ name: "logs", table: "app-logs", mode: "incremental", watermark: { attribute: "at" } }),
      schedule: { expression: "cron(0 12 * * ? *)", timeZone: "UTC" },
    };
    const claimOf = async (day: number) => {
      const due = NOON + day * DAY_MS;
      const request = { day: new Date(due).toISOString().slice(0, 10), trigger: "schedule", due } as const;
      const { config: _, ...claim } = claimInput(`execution ${day}`, request, due);
      const claimed = await claimRun({ ...claim, config: daily }, ports);
      if (claimed.outcome !== "run") throw new Error(claimed.outcome);
      finish(claimed.run);
      return { day: claimed.run.day, claimAgain: claimed.claimAgain };
    };
    expect(await claimOf(0)).toEqual({ day: "2026-11-21", claimAgain: false });
    expect(await claimOf(2)).toEqual({ day: "2026-11-22", claimAgain: true });
    resetCursor("logs");
    expect(await claimOf(4)).toEqual({ day: "2026-11-25", claimAgain: false });
  });

  const noonly = {
    ...incremental,
    schedule: { expression: "cron(0 12 * * ? *)", timeZone: "UTC" },
  };
  const dueOn = (day: number) => {
    const due = NOON + day * DAY_MS;
    return { day: new Date(due).toISOString().slice(0, 10), trigger: "schedule", due } as const;
  };

  it("by an event that was redriven does not undo what was due since", async () => {
    const { ports, finish } = memoryState();
    const claimOf = async (execution: string, day: number) => {
      const claimed = await claimRun({ ...claimInput(execution, dueOn(day)), config: noonly }, ports);
      if (claimed.outcome !== "run") throw new Error(claimed.outcome);
      finish(claimed.run);
      return claimed.run;
    };
    expect(await claimOf("in time", 0)).toMatchObject({ due: NOON });
    const redriven = await claimOf("redriven", -3);
    expect([redriven.day, redriven.due]).toEqual(["2026-11-18", undefined]);
    expect((await ports.exportState("logs")).scheduledUntil).toBe(NOON);
  });

  it("never has a window that ends in the future, although the clock is behind the event's", async () => {
    const { ports } = memoryState();
    const claimed = await claimRun({ ...claimInput("early", dueOn(0), NOON - 2_000), config: noonly }, ports);
    expect(claimed).toMatchObject({ run: { window: { to: String(NOON / 1_000 - 2) } } });
  });

  it("makes up for no run that a new schedule would have had before it was known", async () => {
    const { ports, finish } = memoryState();
    const claimOf = async (day: number, known?: ExportState["knownSchedule"]) => {
      const exportState: ClaimPorts["exportState"] = async (id) => ({
        ...(await ports.exportState(id)),
        ...(known && { knownSchedule: known }),
      });
      const input = { ...claimInput(`execution ${day}`, dueOn(day), NOON + day * DAY_MS), config: noonly };
      const claimed = await claimRun(input, { ...ports, exportState });
      if (claimed.outcome !== "run") throw new Error(claimed.outcome);
      finish(claimed.run);
      return claimed.run.day;
    };
    expect(await claimOf(0)).toBe("2026-11-21");
    const key = "cron(0 12 * * ? *) UTC";
    expect(await claimOf(3, { key, since: NOON + 1.5 * DAY_MS })).toBe("2026-11-23");
    // The reconciler has not seen it yet.
    expect(await claimOf(6, { key: "cron(0 9 * * ? *) UTC", since: NOON })).toBe("2026-11-27");
  });

  it("of DynamoDB's own export ends when it was due: the next one, a quarter of an hour later, is not too soon", async () => {
    const { ports, finish } = memoryState();
    const native = exportSchema.parse({
      name: "logs",
      table: "orders",
      engine: "dynamodb-export",
      mode: "incremental",
    });
    for (const minutes of [0, 15]) {
      const due = NOON + minutes * MINUTE_MS;
      const request = { day: "2026-11-21", again: true, trigger: "schedule", due } as const;
      const claimed = await claimRun(claimInput(`at ${minutes}`, request, due + 5_000, native), ports);
      expect(claimed).toMatchObject({ run: { window: { to: String(due) } } });
      if (claimed.outcome === "run") finish(claimed.run);
    }
  });

  it("of DynamoDB's own export repeats no changes of before the cursor was reset, and replaces its day's", async () => {
    const { ports, finish, resetCursor } = memoryState();
    const native = exportSchema.parse({
      name: "logs",
      table: "orders",
      engine: "dynamodb-export",
      mode: "incremental",
    });
    const file = (key: string) => ({ key, items: 1, bytes: 1, md5: "" });
    const manifests = new Map<string, Manifest>();
    const run = async (hour: number, more: Partial<RunRequest>): Promise<Run> => {
      const now = NOON + hour * HOUR_MS;
      const claimed = await claimRun(claimInput(`${hour}`, more, now, native), ports);
      if (claimed.outcome !== "run") throw new Error(claimed.outcome);
      finish(claimed.run);
      const before = manifests.get(claimed.run.day);
      manifests.set(claimed.run.day, buildManifest(claimed.run, [file(`at ${hour}`)], { now, unusable: 0, before }));
      return claimed.run;
    };
    const keys = (day: string) => manifests.get(day)?.files.map(({ key }) => key);
    await run(0, {});
    await run(10, { again: true });
    expect(keys("2026-11-21")).toEqual(["at 0", "at 10"]);
    resetCursor("logs");
    expect(await run(24, {})).toMatchObject({ day: "2026-11-22", window: { to: String(NOON + DAY_MS) } });
    // The day before, redriven: the whole table has been exported since.
    expect(await run(25, { day: "2026-11-21", force: true })).toMatchObject({
      window: { from: String(NOON + DAY_MS), to: String(NOON + 25 * HOUR_MS) },
      keepsCursor: false,
    });
    expect(manifests.get("2026-11-21")).toMatchObject({ mode: "incremental" });
    expect([keys("2026-11-21"), keys("2026-11-22")]).toEqual([["at 25"], ["at 24"]]);
  });

  it("of a range has the whole of the second in which the range ends", async () => {
    const range = { since: NOON + 500, until: NOON + 1_500 };
    const claimed = await claimRun(
      claimInput("a", { trigger: "backfill", range }, NOON, incremental),
      memoryState().ports,
    );
    expect(claimed).toMatchObject({ run: { window: { from: String(NOON / 1_000), to: String(NOON / 1_000 + 2) } } });
  });

  it("of a job is its application's own, with its table, region and role", async () => {
    const { ports } = memoryState();
    const job = {
      application: "shop",
      table_name: "shop-logs",
      region: "us-east-1",
      assume_role: "arn:aws:iam::123456789012:role/reader",
    };
    const claimed = await claimRun(claimInput("a", { job }, NOON, incremental), ports);
    expect(claimed).toMatchObject({
      run: {
        exportId: "logs/shop/123456789012/us-east-1/shop-logs",
        application: "shop",
        region: "us-east-1",
        role: "arn:aws:iam::123456789012:role/reader",
        config: { table: "shop-logs" },
      },
    });
    expect(exportIdOf({ export: "logs", job: { ...job, application: "blog", assume_role: "" } }, "999999999999")).toBe(
      "logs/blog/999999999999/us-east-1/shop-logs",
    );
  });
});
