import { createHash } from "node:crypto";
import pico from "picocolors";
import { deployedFunctions } from "../../../../scripts/local/live/deployed-functions";
import { describeLiveEvent } from "../../../../scripts/local/live/describe";
import { liveEventSchema, type LiveEvent } from "../../../../scripts/local/live/events";
import { LiveCode } from "../../../../scripts/local/live/live-code";
import { errorsOf } from "../../../../scripts/local/live/type-errors";

const shared = "functions/shared/clock.ts";
const api = "functions/timers/api.ts";
const dispatch = "functions/timers/dispatch.ts";

/** A project of two handlers that share a file, deployed as three functions. */
function setup() {
  const versions = new Map([
    [api, 1],
    [dispatch, 1],
  ]);
  const said: LiveEvent[] = [];
  const puts: string[] = [];
  const compiler: { fails?: string } = {};
  const bundle = (entry: string) => ({
    entry,
    zipFile: `${entry}@${versions.get(entry) ?? 0}`,
    inputs: [entry, shared],
    codeSha256: `${entry}@${versions.get(entry) ?? 0}`,
  });
  const code = new LiveCode(
    [
      { name: "timers-api", codeSha256: `${api}@1` },
      { name: "timers-dispatch", codeSha256: `${dispatch}@1` },
      { name: "timers-dispatch-2", codeSha256: `${dispatch}@1` },
      { name: "other", codeSha256: "unknown" },
    ],
    {
      bundles: () => [bundle(api), bundle(dispatch)],
      build: (entries) => {
        if (compiler.fails !== undefined) throw new Error(compiler.fails);
        for (const entry of entries) versions.set(entry, (versions.get(entry) ?? 0) + 1);
        return entries;
      },
      put: async (name, zipFile) => {
        await Promise.resolve();
        puts.push(`${name} <- ${zipFile}`);
      },
      typeErrors: (files) => Promise.resolve(files.includes(api) ? ["wrong"] : undefined),
      say: (event) => said.push(liveEventSchema.parse(event)),
      elapsed: () => 0,
    },
  );
  return { code, said, puts, compiler };
}

it("puts a changed handler into its functions, and into no other", async () => {
  const { code, said, puts } = setup();
  await code.change([dispatch]);
  expect(puts.sort()).toEqual([`timers-dispatch <- ${dispatch}@2`, `timers-dispatch-2 <- ${dispatch}@2`]);
  expect(said).toEqual([{ kind: "live", functions: ["timers-dispatch", "timers-dispatch-2"], seconds: 0 }]);
});

it("puts a changed shared file into all functions that have it, once each", async () => {
  const { code, puts } = setup();
  await code.change([shared, api]);
  expect(puts).toHaveLength(3);
});

it("says that a change does not build, and goes on with the next", async () => {
  const { code, said, puts, compiler } = setup();
  compiler.fails = "Expected }";
  await code.change([dispatch]);
  expect(puts).toEqual([]);
  expect(said).toEqual([{ kind: "failed", message: "Expected }" }]);
  delete compiler.fails;
  await code.change([dispatch]);
  expect(said.at(-1)).toMatchObject({ kind: "live" });
});

it.each(["main.ts", "modules/timers/index.ts", "functions/timers/contract.ts"])(
  "leaves %s to Terraform, and says so",
  async (file) => {
    const { code, said } = setup();
    await code.change([file]);
    expect(said).toEqual([{ kind: "stack", files: [file] }]);
  },
);

it("says nothing of a file that no function has", async () => {
  const { code, said, puts } = setup();
  await code.change(["functions/timers/new.ts"]);
  expect([said, puts]).toEqual([[], []]);
});

it("shows type errors beside the code that is live already", async () => {
  const { code, said } = setup();
  await code.change([api]);
  await Promise.resolve();
  expect(said.map(({ kind }) => kind)).toEqual(["live", "types"]);
});

it("puts back what an earlier run has changed without Terraform", async () => {
  const { code, puts } = setup();
  await code.putBack([
    { name: "timers-api", codeSha256: `${api}@1` },
    { name: "timers-dispatch", codeSha256: "changed" },
    { name: "timers-dispatch-2", codeSha256: `${dispatch}@1` },
    { name: "other", codeSha256: "changed" },
  ]);
  expect(puts).toEqual([`timers-dispatch <- ${dispatch}@1`]);
});

it("finds the code of functions in Terraform's state", () => {
  const resource = (type: string, values: Readonly<Record<string, unknown>>) => ({
    ...{ address: "", module: "timers", type },
    values,
  });
  const resources = [
    resource("aws_s3_object", { key: "almanac-local-timers-api.zip", source: "./modules/timers/assets/api.zip" }),
    resource("aws_s3_object", { key: "monitors.json", content: "{}" }),
    resource("aws_lambda_function", { function_name: "almanac-local-timers-api" }),
  ];
  const codeSha256 = createHash("sha256").update("modules/timers/assets/api.zip").digest("base64");
  expect(deployedFunctions(resources, (file) => Buffer.from(file))).toEqual([
    { name: "almanac-local-timers-api", codeSha256 },
  ]);
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
    "functions/timers/api.ts:12:7 Type 'Date' is not assignable to type 'string'.",
  ]);
});

it("is described in a line, with the first errors", () => {
  const colours = pico.createColors(false);
  const described = (event: LiveEvent) => describeLiveEvent(event, colours);
  expect(described({ kind: "live", functions: ["a", "b"], seconds: 0.42 })).toBe("live after 0.4 s: a, b");
  expect(described({ kind: "stack", files: ["main.ts"] })).toBe("main.ts changed. Press Enter to apply it.");
  expect(described({ kind: "types", errors: [] })).toBeUndefined();
  const errors = Array.from({ length: 7 }, (_, index) => `e${index}`);
  expect(described({ kind: "types", errors })).toBe("type errors:\n  e0\n  e1\n  e2\n  e3\n  e4\n  and 2 more");
  expect(described({ kind: "failed", message: "x" })).toBe("not live:\n  x");
});
