import fc from "fast-check";

import {
  claimRun,
  subjectOf,
  type ActiveRun,
  type ClaimPorts,
  type FinishedDay,
} from "../../../../functions/exports/run/claim";
import { exportSchema, type Run, type RunRequest } from "../../../../functions/exports/contract";
import { dayOf } from "../../../../functions/exports/run/object-keys";

const NOON = Date.parse("2026-11-21T12:00:00Z");
const config = exportSchema.parse({ name: "logs", table: "app-logs" });
const incremental = exportSchema.parse({
  name: "logs",
  table: "app-logs",
  mode: "incremental",
  watermark: { attribute: "at", firstHours: 24 },
});
const home = { region: "eu-central-1", bucket: "files" };

/** The state of exports in memory: every write is conditional on what was read. */
function memoryState() {
  const active = new Map<string, ActiveRun>();
  const runs = new Map<string, Run>();
  const days = new Map<string, FinishedDay>();
  const cursors = new Map<string, string>();
  const alive = new Set<string>();
  const replace = (run: Run, owner: string, before: ActiveRun | undefined): Promise<boolean> => {
    if (active.get(run.subject)?.owner !== before?.owner) return Promise.resolve(false);
    active.set(run.subject, { id: run.id, owner, attempt: run.attempt });
    runs.set(`${run.subject} ${run.id}`, run);
    alive.add(owner);
    return Promise.resolve(true);
  };
  const ports: ClaimPorts = {
    head: async (subject) => {
      const seen = { active: active.get(subject), cursor: cursors.get(subject) };
      await new Promise(setImmediate);
      return seen;
    },
    finishedDay: (subject, day) => Promise.resolve(days.get(`${subject} ${day}`)),
    run: (subject, id) => Promise.resolve(runs.get(`${subject} ${id}`)),
    begin: replace,
    takeOver: replace,
    isRunning: (execution) => Promise.resolve(alive.has(execution)),
  };
  return {
    ports,
    die: (execution: string) => alive.delete(execution),
    /** As DynamoDB's time to live does to what is old. */
    forget: (run: Run) => runs.delete(`${run.subject} ${run.id}`),
    finish: (run: Run) => {
      active.delete(run.subject);
      days.set(`${run.subject} ${run.day}`, { location: "s3://files/there", window: run.window });
      if (run.window && !run.repeats) cursors.set(run.subject, run.window.to);
    },
  };
}

const ask = (execution: string, more: Partial<RunRequest> = {}, now = NOON, of = config) => ({
  request: { export: "logs", force: false, ...more },
  config: of,
  home,
  execution,
  now,
});

describe("a claim", () => {
  it("is given to one of any number that come at once", async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 2, max: 12 }), async (many) => {
        const { ports } = memoryState();
        const claims = await Promise.all(
          Array.from({ length: many }, (_, index) => claimRun(ask(`execution-${index}`), ports)),
        );
        const outcomes = claims.map(({ outcome }) => outcome);
        expect(outcomes.filter((outcome) => outcome === "run")).toHaveLength(1);
        expect(outcomes.filter((outcome) => outcome === "running")).toHaveLength(many - 1);
      }),
    );
  });

  it("made again by the same execution is the same run", async () => {
    const { ports } = memoryState();
    const first = await claimRun(ask("a"), ports);
    expect(await claimRun(ask("a", {}, NOON + 5_000), ports)).toEqual(first);
  });

  it("of a day that has its export is answered with where that is, unless it is forced", async () => {
    const { ports, finish } = memoryState();
    const first = await claimRun(ask("a"), ports);
    if (first.outcome === "run") finish(first.run);
    expect(await claimRun(ask("b"), ports)).toEqual({ outcome: "exists", location: "s3://files/there" });
    expect(await claimRun(ask("c", { force: true }), ports)).toMatchObject({
      outcome: "run",
      run: { id: "2026-11-21T12:00:00.000Z" },
    });
  });

  it("resumes what a dead execution has left, under its own day and window, before anything else", async () => {
    const { ports, die } = memoryState();
    const first = await claimRun(ask("a", {}, NOON, incremental), ports);
    die("a");
    const next = await claimRun(ask("b", {}, NOON + 86_400_000, incremental), ports);
    if (first.outcome !== "run" || next.outcome !== "run") throw new Error("no run");
    expect(next.run).toEqual({ ...first.run, attempt: 2 });
    expect(next.run.day).toBe("2026-11-21");
  });

  it("begins a left day anew where the export's configuration is another one since, then comes the day that was asked for", async () => {
    const { ports, die, finish } = memoryState();
    await claimRun(ask("a"), ports);
    die("a");
    const mended = exportSchema.parse({ name: "logs", table: "other-logs" });
    const tomorrow = NOON + 86_400_000;
    const anew = await claimRun(ask("b", {}, tomorrow, mended), ports);
    if (anew.outcome !== "run") throw new Error(anew.outcome);
    expect(anew.run).toMatchObject({ day: "2026-11-21", attempt: 1, config: { table: "other-logs" } });
    expect(anew.run.id).toBe("2026-11-22T12:00:00.000Z");
    finish(anew.run);
    expect(await claimRun(ask("b", {}, tomorrow + 1, mended), ports)).toMatchObject({ run: { day: "2026-11-22" } });
  });

  it("begins anew what was left so long ago that its record has expired", async () => {
    const { ports, die, forget } = memoryState();
    const first = await claimRun(ask("a"), ports);
    die("a");
    if (first.outcome === "run") forget(first.run);
    expect(await claimRun(ask("b", {}, NOON + 100 * 86_400_000), ports)).toMatchObject({
      outcome: "run",
      run: { day: "2027-03-01", attempt: 1 },
    });
  });

  it("of changes that DynamoDB exports claims nothing when it comes too soon, and takes all of them later", async () => {
    const { ports, finish } = memoryState();
    const changes = exportSchema.parse({ name: "logs", table: "logs", engine: "dynamodb-export", mode: "incremental" });
    const first = await claimRun(ask("a", {}, NOON, changes), ports);
    if (first.outcome === "run") finish(first.run);
    const next = { day: "2026-11-22" };
    await expect(claimRun(ask("b", next, NOON + 60_000, changes), ports)).rejects.toThrow("1 are due");
    expect(await claimRun(ask("c", next, NOON + 3_600_000, changes), ports)).toMatchObject({
      run: { window: { from: String(NOON), to: String(NOON + 3_600_000) } },
    });
  });

  it("that is forced lets go of what a dead execution has left", async () => {
    const { ports, die } = memoryState();
    await claimRun(ask("a"), ports);
    die("a");
    expect(await claimRun(ask("b", { force: true }, NOON + 1), ports)).toMatchObject({
      outcome: "run",
      run: { attempt: 1, id: "2026-11-21T12:00:00.001Z" },
    });
  });

  it("takes windows that follow each other; one repeated by force takes its own again, and moves nothing", async () => {
    const { ports, finish } = memoryState();
    const run = async (execution: string, now: number, force = false): Promise<Run> => {
      const claimed = await claimRun(ask(execution, { force }, now, incremental), ports);
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

  it("of a job is its application's own, with its table, region and role", async () => {
    const { ports } = memoryState();
    const job = {
      application: "shop",
      table_name: "shop-logs",
      region: "us-east-1",
      assume_role: "arn:aws:iam::123456789012:role/reader",
    };
    const claimed = await claimRun(ask("a", { job }, NOON, incremental), ports);
    expect(claimed).toMatchObject({
      run: {
        subject: "logs/shop/us-east-1/shop-logs",
        application: "shop",
        region: "us-east-1",
        role: "arn:aws:iam::123456789012:role/reader",
        config: { table: "shop-logs" },
      },
    });
    expect(subjectOf({ export: "logs", job: { ...job, application: "blog" } })).toBe("logs/blog/us-east-1/shop-logs");
  });

  it("is for a UTC day, whatever the time zone of the machine", () => {
    expect(dayOf(Date.parse("2026-11-21T23:59:59.999Z"))).toBe("2026-11-21");
    expect(dayOf(Date.parse("2026-11-22T00:00:00Z"))).toBe("2026-11-22");
  });
});
