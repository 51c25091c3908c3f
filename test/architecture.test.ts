import { existsSync, readFileSync, readdirSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import ts from "typescript";

/** What a file imports, relative paths resolved: `modules/heartbeats/index`, `zod`. */
function importsOf(file: string): string[] {
  return ts
    .preProcessFile(readFileSync(file, "utf8"))
    .importedFiles.map(({ fileName }) =>
      fileName.startsWith(".") ? normalize(join(dirname(file), fileName)).replaceAll("\\", "/") : fileName,
    );
}

const files = ["clients", "functions", "modules", "scripts", "workflows"].flatMap((folder) =>
  readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((file) => /\.tsx?$/.test(file))
    .map((file) => `${folder}/${file}`.replaceAll("\\", "/")),
);
const arrows = [...files, "main.ts"].flatMap((from) => importsOf(from).map((to) => ({ from, to })));
const featureOf = (path: string) => /^(?:functions|modules)\/([^/]+)/.exec(path)?.[1];
const show = ({ from, to }: { from: string; to: string }) => `${from} -> ${to}`;

/**
 * The rooms of a folder, from top to bottom: a file may import files of its own room and of rooms below it. "." is the folder's own
 * files. contract.ts is outside this order.
 */
const ROOMS: Readonly<Record<string, readonly string[]>> = {
  "functions/exports": [".", "scan", "format", "storage", "run"],
  "functions/heartbeats": [".", "status-page", "notifications", "monitors", "telemetry", "probe"],
  "functions/pipelines": [".", "slack", "gate", "storage", "message"],
  "functions/schedules": [".", "keeper", "run", "storage", "plan"],
  "functions/timers": [".", "api", "callback", "dispatch", "queue", "storage", "schedule"],
  "functions/workflows": [".", "task"],
  "modules/constructs": ["patterns", "resources", ".", "bundling"],
  "scripts/console": [".", "page", "readers", "architecture", "server", "actions"],
};

/** A file's room: `functions/timers/api/routes.ts` is in "api"; undefined outside the folder. */
function roomOf(folder: string, path: string): string | undefined {
  if (!path.startsWith(`${folder}/`) || path.endsWith("/contract") || path.endsWith("/contract.ts")) return undefined;
  const [room = "", ...rest] = path.slice(folder.length + 1).split("/");
  return rest.length === 0 ? "." : room;
}

/** The file that an import leads to; undefined for packages. */
const fileOf = (to: string) =>
  [...(/\.tsx?$/.test(to) ? [to] : []), `${to}.ts`, `${to}.tsx`, `${to}/index.ts`, `${to}.d.ts`].find((file) =>
    existsSync(file),
  );

/** Import circles, each as its files in order. Type-only imports count. */
function circles(): string[] {
  const imports = new Map<string, string[]>();
  for (const { from, to } of arrows) {
    const file = fileOf(to);
    if (file !== undefined) imports.set(from, [...(imports.get(from) ?? []), file]);
  }
  const found: string[] = [];
  const done = new Set<string>();
  const visit = (file: string, path: readonly string[]): void => {
    const start = path.indexOf(file);
    if (start >= 0) found.push([...path.slice(start), file].join(" -> "));
    if (start >= 0 || done.has(file)) return;
    for (const next of imports.get(file) ?? []) visit(next, [...path, file]);
    done.add(file);
  };
  for (const file of imports.keys()) visit(file, []);
  return found;
}

/** Arrows out of some files that go where they shall not. */
function forbidden(from: RegExp, allowed: (to: string, from: string) => boolean): string[] {
  return arrows.filter((arrow) => from.test(arrow.from) && !allowed(arrow.to, arrow.from)).map(show);
}

/** Constants without any behaviour: SECOND_MS, DAY_SECONDS. */
const isSecret = (path: string) => path === "functions/shared/plain-secret";
const isTime = (path: string) => path === "functions/shared/time";
/** Evaluates what a configuration brings (patterns, JSON Schemas), at synth as at run time. */
const isEvaluation = (path: string) => path === "functions/shared/bounded-evaluation";
/** EventBridge's schedule expressions: validated at synth, computed at run time. */
const isCalendar = (path: string) => path === "functions/shared/calendar/schedule-expression";
/** Terraform's syntaxes: knows strings and objects only. */
const isHcl = (path: string) => path.startsWith("modules/hcl/");
const isOurs = (path: string) => /^(clients|functions|modules|scripts|test|workflows)\//.test(path);

describe("the house", () => {
  it("has arrows to look at", () => {
    expect(arrows.length).toBeGreaterThan(100);
  });

  it("has no import circles, not even of types", () => {
    expect(circles()).toEqual([]);
  });

  it.each(Object.entries(ROOMS))("lets the rooms of %s know the rooms below them only", (folder, rooms) => {
    const folders = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory());
    expect(folders.map(({ name }) => name).sort()).toEqual(rooms.filter((room) => room !== ".").sort());
    const upwards = arrows.filter(({ from, to }) => {
      const [above, below] = [roomOf(folder, from), roomOf(folder, to)];
      return above !== undefined && below !== undefined && rooms.indexOf(above) > rooms.indexOf(below);
    });
    expect(upwards.map(show)).toEqual([]);
  });

  it("lets main.ts know environments only", () => {
    expect(forbidden(/^main\.ts$/, (to) => !isOurs(to) || to === "modules/environment")).toEqual([]);
  });

  it("lets workflows of the project know what definitions are made with", () => {
    const allowed = (to: string) =>
      !isOurs(to) || to === "modules/workflows/define-workflow" || to.startsWith("modules/asl/");
    expect(forbidden(/^workflows\/[^/]+$/, allowed)).toEqual([]);
  });

  it("lets functions know nothing of modules, scripts or cdktf", () => {
    expect(
      forbidden(/^functions\//, (to) => !/^(modules|scripts|test)\/|^cdktf|^@cdktf|^constructs$/.test(to)),
    ).toEqual([]);
  });

  it("lets a feature's function know itself and functions/shared only", () => {
    // What users' own functions are made with.
    const isPublic = (to: string) => to === "functions/timers/on-timer" || to === "functions/schedules/on-schedule";
    const allowed = (to: string, from: string) =>
      !isOurs(to) || featureOf(to) === featureOf(from) || featureOf(to) === "shared" || isPublic(to);
    expect(forbidden(/^functions\//, allowed)).toEqual([]);
  });

  it("lets clients know what goes over the API, and nothing else of ours", () => {
    const allowed = (to: string) =>
      !isOurs(to) || to.startsWith("clients/") || /^functions\/\w+\/api\/api-types$/.test(to);
    expect(forbidden(/^clients\//, allowed)).toEqual([]);
  });

  it("lets a module know its function's contract, the constructs, lengths of time, schedule expressions, and no other feature", () => {
    const allowed = (to: string, from: string) =>
      !isOurs(to) ||
      isTime(to) ||
      isEvaluation(to) ||
      isCalendar(to) ||
      to.startsWith("modules/constructs/") ||
      to.startsWith("modules/asl/") ||
      isHcl(to) ||
      (to.startsWith("modules/") && featureOf(to) === featureOf(from)) ||
      to === `functions/${featureOf(from) ?? ""}/contract`;
    expect(forbidden(/^modules\/(?!constructs\/|environment\.ts)/, allowed)).toEqual([]);
  });

  it("lets constructs know no feature", () => {
    const allowed = (to: string) =>
      !isOurs(to) || isTime(to) || isSecret(to) || isHcl(to) || /^modules\/(constructs|asl)\//.test(to);
    expect(forbidden(/^modules\/constructs\//, allowed)).toEqual([]);
  });

  it("lets contracts, and what they stand on, do nothing: neither SDK nor I/O", () => {
    // The console's is bundled for a browser, which has neither.
    const pure = new Set(files.filter((file) => /^functions\/.*\/contract\.ts$/.test(file)));
    // A set goes on to what is added to it meanwhile.
    for (const file of pure) for (const to of importsOf(file)) if (isOurs(to)) pure.add(`${to}.ts`);
    const allowed = (to: string) => to === "zod" || to === "ipaddr.js" || isOurs(to);
    expect(arrows.filter(({ from, to }) => pure.has(from) && !allowed(to)).map(show)).toEqual([]);
    expect([...pure]).toContain("functions/heartbeats/probe/ssrf-guard.ts");
  });

  it("imports cdktf's providers one resource at a time: all of them cost 5 s at each synth", () => {
    expect(arrows.filter(({ to }) => to === "@cdktf/provider-aws").map(show)).toEqual([]);
  });

  it("imports cdktf in main.ts and modules/ only, so that its successor is one change away", () => {
    expect(forbidden(/^(functions|scripts)\//, (to) => !/^cdktf|^@cdktf|^constructs$/.test(to))).toEqual([]);
  });
});

/** The rooms of scripts/, and what each may import besides itself and what is not in scripts/. */
const SCRIPT_ROOMS: Readonly<Record<string, readonly string[]>> = {
  shared: [],
  terraform: ["shared"],
  emulator: ["shared"],
  cost: ["shared", "terraform"],
  review: ["shared", "terraform", "cost"],
  environments: ["shared", "terraform", "emulator", "cost"],
  local: ["shared", "terraform", "emulator"],
  features: ["shared", "terraform", "environments"],
  console: ["shared", "terraform", "emulator", "environments", "features"],
  commands: ["shared", "terraform", "emulator", "cost", "review", "environments", "local", "features", "console"],
  almanac: ["shared", "commands"],
};

describe("scripts", () => {
  const scriptRoomOf = (path: string) => /^scripts\/([\w-]+)/.exec(path)?.[1] ?? "";
  /** Development tools may use every room; no room may use them. */
  const isTool = (room: string) => room === "dev";

  it("stand in rooms that are known", () => {
    const rooms = files.filter((file) => file.startsWith("scripts/")).map(scriptRoomOf);
    expect([...new Set(rooms)].filter((room) => !isTool(room) && !(room in SCRIPT_ROOMS))).toEqual([]);
  });

  it("have arrows between rooms that run one way", () => {
    const allowed = (to: string, from: string) => {
      const [here, there] = [scriptRoomOf(from), scriptRoomOf(to)];
      return (
        !to.startsWith("scripts/") || isTool(here) || here === there || SCRIPT_ROOMS[here]?.includes(there) === true
      );
    };
    expect(forbidden(/^scripts\//, allowed)).toEqual([]);
  });

  it("find files from the project's root: the command line is one bundle, far from its sources", () => {
    const compiled = files.filter((file) => file.startsWith("scripts/") && !file.startsWith("scripts/dev/"));
    expect(compiled.filter((file) => /\b__(dirname|filename)\b/.test(readFileSync(file, "utf8")))).toEqual([]);
  });

  it("are no dependency of functions, modules or clients", () => {
    expect(forbidden(/^(functions|modules|clients)\//, (to) => !to.startsWith("scripts/"))).toEqual([]);
  });
});
