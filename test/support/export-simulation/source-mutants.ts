/** Mutants as changes of the source of exports. Each names a world that detects it, by whatever invariant. */
import type { SourceMutant } from "../simulation/source-mutants";

const CLAIM = "functions/exports/run/claim.ts";
const STATE = "functions/exports/storage/state-table.ts";
const SEGMENTS = "functions/exports/storage/segment-table.ts";
const FILES = "functions/exports/storage/run-files.ts";
const STORE = "functions/exports/storage/object-store.ts";
const SEGMENT = "functions/exports/scan/segment.ts";
const PORTS = "functions/exports/scan/segment-ports.ts";
const LIMITER = "functions/exports/scan/rate-limiter.ts";
const WINDOW = "functions/exports/run/window.ts";
const MANIFEST = "functions/exports/run/manifest.ts";
const KEYS = "functions/exports/run/object-keys.ts";
const RECONCILER = "functions/exports/run/reconciler.ts";
const READ = "functions/exports/read-segment.ts";
const IDENTITY = "functions/exports/run/table-identity.ts";

export const EXPORT_MUTANTS: readonly SourceMutant[] = [
  // --- claims ---
  {
    name: "claims a window that it read before another run exported it",
    file: STATE,
    from: 'version === 0 ? "attribute_not_exists(#version)" : "#version = :version",',
    to: '"attribute_not_exists(#activeRun) OR #activeRun = :run OR #activeAttempt >= :attempt",',
  },
  {
    name: "starts over a run whose files are published",
    file: CLAIM,
    from: "active?.published === true ||",
    to: "",
  },
  {
    name: "takes over a run whose execution runs",
    file: CLAIM,
    from: "if (active !== undefined && (await ports.isRunning(active.execution)))",
    to: "if (active !== undefined && active.attempt > 99)",
  },
  {
    name: "resumes as the same attempt",
    file: CLAIM,
    from: "attempt: active.attempt + 1",
    to: "attempt: active.attempt",
  },
  {
    name: "forgets an unfinished run",
    file: CLAIM,
    from: "if (active !== undefined && unfinished !== undefined && isResumed) {",
    to: "if (active !== undefined && unfinished !== undefined && active.attempt > 99) {",
  },

  // --- tables that are created again ---
  {
    name: "publishes the pages of two tables",
    file: SEGMENT,
    from: "if (done) await assertSameTable();",
    to: "",
  },
  {
    name: "takes each table of the name for the same",
    file: IDENTITY,
    from: "return before !== undefined && now !== undefined && before !== now;",
    to: "return before !== undefined && now === undefined;",
  },

  // --- windows and the cursor ---
  {
    name: "closes windows at once",
    file: CLAIM,
    from: "endsAt: end - watermark.settleSeconds * SECOND_MS",
    to: "endsAt: end",
  },
  {
    name: "exports the end of a window twice",
    file: WINDOW,
    from: '"#watermark >= :from AND #watermark < :to"',
    to: '"#watermark >= :from AND #watermark <= :to"',
  },
  {
    name: "loses the beginning of a window",
    file: WINDOW,
    from: '"#watermark >= :from AND #watermark < :to"',
    to: '"#watermark > :from AND #watermark < :to"',
  },
  {
    name: "does not move the cursor",
    file: STATE,
    from: "const cursor = run.keepsCursor ? undefined : window?.to;",
    to: "const cursor = run.keepsCursor || window?.from === undefined ? undefined : window.from;",
  },
  {
    name: "moves the cursor for a repeated window",
    file: STATE,
    from: "const cursor = run.keepsCursor ? undefined : window?.to;",
    to: "const cursor = window?.to;",
  },
  {
    name: "exports items that no window can hold",
    file: WINDOW,
    from: "if (watermark === undefined) return false;",
    to: "if (watermark === undefined) return true;",
  },

  // --- reading ---
  {
    name: "saves the key of the page before",
    file: SEGMENT,
    from: "lastKey = nextKey;",
    to: "lastKey = pages.lastKey;",
  },
  {
    name: "ends a segment when it is out of time",
    file: SEGMENT,
    from: "return { lastKey, read, done: false, deadlineReached: true };",
    to: "return { lastKey, read, done: true, deadlineReached: true };",
  },
  {
    name: "gives each part of a segment one number",
    file: SEGMENT,
    from: "if (part !== undefined) nextPart += 1;",
    to: "",
  },
  {
    name: "reads every segment as the first",
    file: PORTS,
    from: "Segment: segment, TotalSegments: segments",
    to: "Segment: 0, TotalSegments: segments",
  },
  {
    name: "starts a resumed segment over, and keeps its parts",
    file: SEGMENTS,
    from: "return { lastKey, nextPart, done, read };",
    to: "return { lastKey: undefined, nextPart, done, read };",
  },
  {
    name: "saves a part without its checkpoint",
    file: SEGMENTS,
    from: 'lastKey === undefined ? "" : ", #lastKey = :lastKey"}`,\n            { ":nextPart"',
    to: '""}`,\n            { ":nextPart"',
  },
  {
    name: "lets an older attempt have a segment",
    file: SEGMENTS,
    from: '"attribute_not_exists(#attempt) OR #attempt <= :attempt",',
    to: "undefined,",
  },
  {
    name: "reads before it reserves",
    file: LIMITER,
    from: "if (wait > 0) await sleep(clock, wait);\n        if (clock.now() - from > LAPSES_MS) continue;",
    to: "",
  },
  {
    name: "does not count what a page took beyond its reservation",
    file: LIMITER,
    from: "const from = await reserve(millisecondsOf(expected), clock.now() + remaining);",
    to: "const from = await reserve(millisecondsOf(expected) / 4, clock.now() + remaining);",
  },
  {
    name: "leaves the uploads of killed workers",
    file: FILES,
    from: "if (!own.has(id)) await ifGranted(",
    to: "if (own.has(id)) await ifGranted(",
  },

  // --- publishing ---
  {
    name: "publishes for a run that is not the active one",
    file: STATE,
    from: "if (activeRun !== run.id || activeAttempt !== run.attempt) throw new RunSupersededError(run);",
    to: "",
  },
  {
    name: "replaces whatever manifest is there",
    file: FILES,
    from: "      replaces: published.manifestTag,\n",
    to: "",
  },
  {
    name: "keeps the marker while files are replaced",
    file: FILES,
    from: "if (published.markerTag !== undefined) await deleteIfUnchanged(run, s3, successKey(run), published.markerTag);",
    to: "",
  },
  {
    name: "deletes the files of the run before first",
    file: FILES,
    from: "  const published = await readPublished(run, s3);\n",
    to: "  const published = await readPublished(run, s3);\n  for (const Key of published.files) await s3.send(new DeleteObjectCommand({ Bucket: run.bucket, Key }));\n",
  },
  {
    name: "leaves the files of the run before",
    file: FILES,
    from: "(key) => !kept.has(key) && !kept.has(nativeFolder(key)),",
    to: "(key) => key === '',",
  },
  {
    name: "drops the day's earlier windows",
    file: MANIFEST,
    from: 'const earlier = mode === "full" || (before?.mode === "full" && !native) ? undefined : before;',
    to: "const earlier = native ? before : undefined;",
  },
  {
    name: "keeps what was exported before the cursor was reset",
    file: MANIFEST,
    from: "run.follows !== earlier.follows",
    to: "run.follows === undefined",
  },
  {
    name: "repeats a window of before the cursor was reset",
    file: CLAIM,
    from: "finished.follows === wholeRun &&",
    to: "",
  },
  {
    name: "keeps the files of the run that it repeats",
    file: MANIFEST,
    from: "if (of === run.replaces || of === run.id || beginsAnew) return [];",
    to: "if (of === run.id || beginsAnew) return [];",
  },
  {
    name: "has no run's id in its keys",
    file: KEYS,
    from: 'return id.replace(/[^\\w]/g, "");',
    to: "return id.slice(0, 4);",
  },
  {
    name: "takes an aborted upload for a lost response",
    file: STORE,
    from: "if (found === undefined) throw new UploadLostError(`the upload of ${Key} was aborted`, { cause });",
    to: "if (found === undefined) return;",
  },

  // --- ends ---
  {
    name: "does not record executions that were stopped",
    file: RECONCILER,
    from: 'if (end === "running" || (end === "unknown" && !isGone)) continue;',
    to: 'if (end === "running" || end !== "unknown" || !isGone) continue;',
  },
  {
    name: "has workers go on after their run has failed, and publishes what others read",
    file: READ,
    from: "if (checkpoint.done) return { done: true };",
    to: "if (checkpoint.done || checkpoint.lastKey !== undefined) return { done: true };",
  },
];
