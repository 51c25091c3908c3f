import pico from "picocolors";
import { functionsOf } from "../../../../scripts/local/live/deployed-functions";
import { describeLiveEvent } from "../../../../scripts/local/live/describe";
import { liveEventSchema, type LiveEvent } from "../../../../scripts/local/live/events";
import { BuildError, LiveCode } from "../../../../scripts/local/live/live-code";
import { errorsOf } from "../../../../scripts/local/live/type-errors";

const shared = "functions/shared/clock.ts";
const api = "functions/timers/api.ts";
const dispatch = "functions/timers/dispatch.ts";
const pay = "workflows/refund/pay.ts";

/** A project of three handlers, two of which share a file, deployed as four functions. */
function setup(current: Readonly<Record<string, string>> = {}) {
  const sources = new Map([
    [api, 1],
    [dispatch, 1],
    [pay, 1],
  ]);
  const contents = new Map<string, string | undefined>();
  const said: LiveEvent[] = [];
  const puts: string[] = [];
  const faults: { build?: string; in?: string; put?: string; types?: string } = {};
  let stopCheck: (() => void) | undefined;
  const checked: (readonly string[])[] = [];
  const bundle = (entry: string) => {
    const code = `${entry}@${sources.get(entry) ?? 0}`;
    const inputs = entry === pay ? [entry] : [entry, shared];
    return { entry, zipFile: code, inputs, codeSha256: code };
  };
  const code = new LiveCode(
    [
      { name: "timers-api", source: "", codeSha256: `${api}@1` },
      { name: "timers-dispatch", source: "", codeSha256: `${dispatch}@1` },
      { name: "timers-dispatch-2", source: "", codeSha256: `${dispatch}@1` },
      { name: "refund-pay", source: "", codeSha256: `${pay}@1` },
      { name: "other", source: "", codeSha256: "unknown" },
    ],
    new Map(
      Object.entries({
        ...{ "timers-api": `${api}@1`, "timers-dispatch": `${dispatch}@1`, "timers-dispatch-2": `${dispatch}@1` },
        ...{ "refund-pay": `${pay}@1` },
        ...current,
      }),
    ),
    [bundle(api), bundle(dispatch), bundle(pay), { ...bundle(api), entry: "functions/gone.ts", codeSha256: "gone" }],
    "main.ts",
    {
      build: async (entries) => {
        await Promise.resolve();
        const broken = faults.in;
        if (faults.build !== undefined && broken === undefined) throw new BuildError(faults.build, []);
        if (faults.build !== undefined && entries.some((entry) => bundle(entry).inputs.includes(broken ?? "")))
          throw new BuildError(faults.build, [broken ?? ""]);
        return entries.map(bundle);
      },
      put: async (name, zipFile) => {
        await Promise.resolve();
        if (name === faults.put) throw new Error(`${name} refused`);
        puts.push(`${name} <- ${zipFile}`);
      },
      typeErrors: (files) => {
        checked.push(files);
        const file = faults.types;
        if (faults.types === "never") {
          return new Promise((stopped) => {
            stopCheck = () => {
              stopped(undefined);
            };
          });
        }
        return Promise.resolve(
          file === undefined || !files.includes(file) ? [] : [{ file, text: `${file}:1:1 wrong` }],
        );
      },
      stopTypeCheck: () => stopCheck?.(),
      contentOf: (file) => (contents.has(file) ? contents.get(file) : "as applied"),
      say: (event) => said.push(liveEventSchema.parse(event)),
      elapsed: () => 0,
    },
  );
  const save = async (...files: readonly string[]) => {
    for (const file of files) {
      const entries = file === shared ? [api, dispatch] : [file];
      for (const entry of entries) if (sources.has(entry)) sources.set(entry, (sources.get(entry) ?? 0) + 1);
    }
    await code.change(files);
    await new Promise(setImmediate);
  };
  const clear = () => {
    said.length = puts.length = 0;
  };
  return { code, save, clear, said, puts, faults, checked, contents };
}

it("puts a changed handler into its functions, and into no other", async () => {
  const { save, said, puts } = setup();
  await save(dispatch);
  expect(puts.sort()).toEqual([`timers-dispatch <- ${dispatch}@2`, `timers-dispatch-2 <- ${dispatch}@2`]);
  expect(said).toEqual([{ kind: "live", functions: ["timers-dispatch", "timers-dispatch-2"], seconds: 0 }]);
});

it("puts a changed shared file into all functions that have it, once each", async () => {
  const { save, puts } = setup();
  await save(shared, api);
  expect(puts.map((put) => put.split(" ")[0]).sort()).toEqual(["timers-api", "timers-dispatch", "timers-dispatch-2"]);
});

it("puts nothing when the code is the same", async () => {
  const { code, said, puts } = setup();
  await code.change([api]);
  expect([said, puts]).toEqual([[], []]);
});

it("says that a change does not build, and puts it once its mend builds", async () => {
  const { save, clear, said, puts, faults } = setup();
  faults.build = "Expected }";
  await save(shared);
  expect(puts).toEqual([]);
  expect(said).toEqual([{ kind: "failed", message: "Expected }" }]);
  delete faults.build;
  clear();
  // Also into the functions that do not have the file which was wrong.
  await save(api);
  expect(puts).toHaveLength(3);
  expect(said.map(({ kind }) => kind)).toEqual(["live"]);
});

it("says that what was broken is live again, also with the code that its functions have", async () => {
  const { code, said, puts, faults } = setup();
  faults.build = "Expected }";
  await code.change([api]);
  delete faults.build;
  await code.change([api]);
  expect(puts).toEqual([]);
  expect(said.map(({ kind }) => kind)).toEqual(["failed", "live"]);
});

it("makes a change live beside a handler that does not build, and says its fault once", async () => {
  const { save, clear, said, puts, faults } = setup();
  [faults.build, faults.in] = ["Expected }", api];
  await save(api);
  await save(pay, dispatch);
  expect(puts.map((put) => put.split(" ")[0]).sort()).toEqual(["refund-pay", "timers-dispatch", "timers-dispatch-2"]);
  expect(said.map(({ kind }) => kind)).toEqual(["failed", "live"]);
  clear();
  // Again in what was saved.
  await save(shared);
  expect(said).toEqual([
    { kind: "live", functions: ["timers-dispatch", "timers-dispatch-2"], seconds: 0 },
    { kind: "failed", message: "Expected }" },
  ]);
  clear();
  [faults.build, faults.in] = ["Expected ;", shared];
  await save(shared);
  expect(said).toEqual([{ kind: "failed", message: "Expected ;" }]);
  clear();
  // The shared file is mended, the handler is not.
  [faults.build, faults.in] = ["Expected }", api];
  await save(shared);
  expect(puts.map((put) => put.split(" ")[0]).sort()).toEqual(["timers-dispatch", "timers-dispatch-2"]);
});

it("follows a handler that was saved and not deployed, because its deployment failed", async () => {
  const { code, save, puts } = setup({ "timers-dispatch-2": "saved before" });
  await code.change([dispatch]);
  expect(puts.sort()).toEqual([`timers-dispatch <- ${dispatch}@1`, `timers-dispatch-2 <- ${dispatch}@1`]);
  await save(dispatch);
  expect(puts).toHaveLength(4);
  const live = setup({ other: `${pay}@1` });
  await live.save(pay);
  expect(live.puts.sort()).toEqual([`other <- ${pay}@2`, `refund-pay <- ${pay}@2`]);
});

it("checks the types of what was saved before, when a save has stopped the check", async () => {
  const { save, said, faults, checked } = setup();
  faults.types = "never";
  await save(dispatch);
  faults.types = dispatch;
  await save(pay);
  expect(checked.at(-1)).toEqual([dispatch, shared, pay]);
  expect(said.at(-1)).toEqual({ kind: "types", errors: [`${dispatch}:1:1 wrong`] });
});

it("puts into the other functions when Lambda refuses one, and into that one with the next change", async () => {
  const { save, clear, said, puts, faults } = setup();
  faults.put = "timers-api";
  await save(shared);
  expect(said).toEqual([
    { kind: "live", functions: ["timers-dispatch", "timers-dispatch-2"], seconds: 0 },
    { kind: "failed", message: "timers-api refused" },
  ]);
  delete faults.put;
  clear();
  await save(pay);
  expect(puts.map((put) => put.split(" ")[0]).sort()).toEqual(["refund-pay", "timers-api"]);
});

it.each(["main.ts", "modules/timers/index.ts", "workflows/refund.ts", "functions/timers/contract.ts"])(
  "leaves %s to Terraform, and says so",
  async (file) => {
    const { save, said } = setup();
    await save(file);
    expect(said).toEqual([{ kind: "stack", files: [file] }]);
  },
);

it("waits for Terraform no longer once each change is undone, that of a new file, and of one that was changed since it was applied", async () => {
  const { code, save, said, contents, clear } = setup();
  const [main, timers, added, unknown] = ["main.ts", "modules/timers/index.ts", "modules/new.ts", "modules/other.ts"];
  for (const file of [main, timers, api]) code.remember(file, true);
  code.remember(unknown, false);
  await save(main);
  expect(said).toEqual([]);
  for (const file of [main, timers, added]) contents.set(file, "another");
  await save(main, timers, added);
  expect(said).toEqual([{ kind: "stack", files: [main, timers, added] }]);
  clear();
  contents.set(main, "as applied");
  contents.set(added, undefined);
  await save(main, added);
  expect(said).toEqual([]);
  contents.set(timers, "as applied");
  await save(timers);
  expect(said).toEqual([{ kind: "undone" }]);
  clear();
  await save(unknown);
  contents.set(timers, undefined);
  await save(timers);
  expect(said).toEqual([
    { kind: "stack", files: [unknown] },
    { kind: "stack", files: [timers] },
  ]);
});

it.each(["functions/timers/new.ts", "functions/gone.ts", "test/main.ts"])("says nothing of %s", async (file) => {
  const { save, said, puts } = setup();
  await save(file);
  expect([said, puts]).toEqual([[], []]);
});

it("puts a function of a workflow", async () => {
  const { save, puts, said } = setup();
  await save(pay);
  expect(puts).toEqual([`refund-pay <- ${pay}@2`]);
  expect(said.map(({ kind }) => kind)).toEqual(["live"]);
});

it("shows type errors beside the code that is live already, also in the files that use the changed one, until they are mended", async () => {
  const { save, clear, said, faults, checked } = setup();
  faults.types = dispatch;
  await save(shared);
  expect(said.map(({ kind }) => kind)).toEqual(["live", "types"]);
  expect(said[1]).toEqual({ kind: "types", errors: [`${dispatch}:1:1 wrong`] });
  delete faults.types;
  clear();
  // Another file: the one that was wrong is checked again.
  await save(pay);
  expect(checked.at(-1)).toEqual([pay, dispatch]);
  expect(said.at(-1)).toEqual({ kind: "types", errors: [] });
  clear();
  await save(pay);
  expect(said.map(({ kind }) => kind)).toEqual(["live"]);
});

it("finds the code of functions in Terraform's state", () => {
  const resource = (type: string, values: Readonly<Record<string, unknown>>) => ({
    ...{ address: "", module: "timers", type },
    values,
  });
  const source = "./modules/timers/assets/api.zip";
  const resources = [
    resource("aws_s3_object", { key: "almanac-local-timers-api.zip", source, source_hash: "8dLz" }),
    resource("aws_s3_object", { key: "monitors.json", content: "{}" }),
    resource("aws_lambda_function", { function_name: "almanac-local-timers-api" }),
  ];
  expect(functionsOf(resources)).toEqual([{ name: "almanac-local-timers-api", source, codeSha256: "8dLz" }]);
});

it("reads the compiler's errors, and none of the linter's", () => {
  const at = { filename: "functions/timers/api.ts", labels: [{ span: { line: 12, column: 7, offset: 1, length: 2 } }] };
  const report = {
    diagnostics: [
      { message: "Type 'Date' is not assignable to type 'string'.", code: "typescript(TS2322)", ...at },
      { message: "Unsafe assignment.", code: "typescript(no-unsafe-assignment)", ...at },
    ],
  };
  expect(errorsOf(JSON.stringify(report))).toEqual([
    {
      file: "functions/timers/api.ts",
      text: "functions/timers/api.ts:12:7 Type 'Date' is not assignable to type 'string'.",
    },
  ]);
});

it("is described in a line, with the first errors", () => {
  const colours = pico.createColors(false);
  const described = (event: LiveEvent) => describeLiveEvent(event, colours);
  expect(described({ kind: "live", functions: ["a", "b"], seconds: 0.42 })).toBe("live after 0.4 s: a, b");
  expect(described({ kind: "stack", files: ["main.ts"] })).toBe("main.ts changed. Press Enter to apply it.");
  expect(described({ kind: "undone" })).toBe("The change was undone: nothing to apply.");
  expect(described({ kind: "types", errors: [] })).toBe("no type errors");
  const errors = Array.from({ length: 7 }, (_, index) => `e${index}`);
  expect(described({ kind: "types", errors })).toBe("type errors:\n  e0\n  e1\n  e2\n  e3\n  e4\n  and 2 more");
  expect(described({ kind: "failed", message: "x" })).toBe("not live:\n  x");
});
