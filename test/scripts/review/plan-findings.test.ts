import { digestOf } from "../../../scripts/review/digest";
import { toMarkdown } from "../../../scripts/review/markdown";
import { NotAPlanError, parsePlan } from "../../../scripts/review/plan";
import { countChanges, isEmpty, isForbidden, reviewPlan } from "../../../scripts/review/report";
import { samplePlan, type SampleChange } from "./sample-plan";

const TABLE = "module.timers.aws_dynamodb_table.timers";
const table = { name: "timers", hash_key: "id" };

const planOf = (changes: readonly SampleChange[], rest = {}) => parsePlan(samplePlan(changes, rest));
const review = (changes: readonly SampleChange[], rest = {}, allowed: readonly string[] = []) =>
  reviewPlan(planOf(changes, rest), new Set(allowed));
const markdownOf = (report: ReturnType<typeof review>) => toMarkdown(report, { environment: "staging" });

/** Planned changes as another section of a plan has them. */
const changesOf = (...changes: readonly SampleChange[]): readonly unknown[] =>
  (JSON.parse(samplePlan(changes)) as { readonly resource_changes: readonly unknown[] }).resource_changes;

describe("a plan that is not whole", () => {
  it("is refused when Terraform failed while it planned", () => {
    expect(() => planOf([], { errored: true })).toThrow(NotAPlanError);
    expect(() => planOf([], { errored: true })).toThrow("Terraform failed while it planned");
  });

  it.each(["2.0", "10.1", ""])("is refused in the format %j", (format_version) => {
    expect(() => planOf([], { format_version })).toThrow("is a format that this version of Almanac does not know");
  });

  it("names each deferred change, which no section of changes has", () => {
    const [resource_change] = changesOf({ address: TABLE, actions: ["delete", "create"], before: table });
    const rest = { complete: false, deferred_changes: [{ reason: "provider_config_unknown", resource_change }] };
    const report = review([], rest);
    expect(report.findings).toMatchObject([{ verdict: "unclassified", address: TABLE, refused: true }]);
    expect(isForbidden(report)).toBe(true);
    expect(markdownOf(report)).not.toContain("No changes");
    expect(isForbidden(review([], rest, [TABLE]))).toBe(false);
  });

  it("is one of some resources only", () => {
    const report = review([], { complete: false });
    expect(report.findings).toMatchObject([
      { address: "plan", what: expect.stringContaining("is not complete") as string },
    ]);
    expect(isForbidden(review([], { complete: false }, ["plan"]))).toBe(false);
    expect(review([], { complete: true }).findings).toEqual([]);
  });

  it.each([
    ["action_invocations", [{ address: "action.aws_lambda_invoke.wipe" }]],
    ["a_section_of_2030", { x: 1 }],
  ])("is loud about the section %s, which it does not know", (section, content) => {
    const report = review([], { [section]: content });
    expect(report.findings).toMatchObject([{ verdict: "unclassified", address: "plan", refused: true }]);
    expect(markdownOf(report)).toContain(section);
    expect(review([], { [section]: [] }).findings).toEqual([]);
  });

  it("may have everything that Terraform 1.11 writes", () => {
    const rest = {
      terraform_version: "1.11.4",
      timestamp: "2026-11-27T03:00:00Z",
      applyable: true,
      complete: true,
      errored: false,
      variables: { a: { value: 1 } },
      relevant_attributes: [{ resource: TABLE, attribute: ["arn"] }],
      checks: [],
      output_changes: { timers: { actions: ["update"], before: 1, after: 2, before_sensitive: false } },
    };
    expect(review([], rest).findings).toEqual([]);
    expect(markdownOf(review([], rest))).toContain("No changes");
  });
});

describe("what Terraform does with a resource", () => {
  it("is loud when it is an action, or a mode, that Almanac does not know", () => {
    const report = review([{ address: TABLE, actions: ["shred"], before: table, after: table }]);
    expect(report.findings).toMatchObject([{ verdict: "unclassified", address: TABLE, refused: true }]);
    expect(isEmpty(report)).toBe(false);
    const [change] = changesOf({ address: TABLE, actions: ["delete"], before: table });
    const other = parsePlan(samplePlan([], { resource_changes: [{ ...(change as object), mode: "list" }] }));
    expect(isForbidden(reviewPlan(other, new Set()))).toBe(true);
  });

  it("may be to leave it behind, unmanaged: no loss, but not nothing", () => {
    const report = review([{ address: TABLE, actions: ["forget"], before: table }]);
    expect(report.dataLoss).toEqual([]);
    expect(report.findings).toMatchObject([{ verdict: "identity", address: TABLE, refused: false }]);
    expect(markdownOf(report)).toContain("see the warnings");
    expect(countChanges(report)).toBe(0);
  });

  it("may be to leave it behind and create an empty one in its place", () => {
    const report = review([{ address: TABLE, actions: ["create", "forget"], before: table, after: table }]);
    expect(report.dataLoss).toEqual([]);
    expect(isForbidden(report)).toBe(true);
    expect(report.modules[0]?.changes[0]?.action).toBe("replaced");
  });

  it("may be to import it, as it is or changed", () => {
    const plan = (actions: readonly string[], after: object) =>
      samplePlan([], {
        resource_changes: changesOf({ address: TABLE, actions, before: table, after: { ...after } }).map((each) => ({
          ...(each as { readonly change: object }),
          change: { ...(each as { readonly change: object }).change, importing: { id: "timers" } },
        })),
      });
    const imported = reviewPlan(parsePlan(plan(["no-op"], table)), new Set());
    expect(imported.modules[0]?.changes).toMatchObject([{ address: TABLE, action: "imported" }]);
    expect(markdownOf(imported)).toContain("1 imported");
    const changed = reviewPlan(parsePlan(plan(["update"], { ...table, ttl: [{ enabled: true }] })), new Set());
    expect(changed.findings).toMatchObject([{ verdict: "data", what: "deletes items that have expired" }]);
  });

  it("distinguishes plans, though it changes no value", () => {
    const unchanged = { address: TABLE, actions: ["no-op"], before: table, after: table };
    const moved = { ...unchanged, previous_address: "module.timers.aws_dynamodb_table.old" };
    const forgotten = { ...unchanged, actions: ["forget"] };
    const digests = [[], [unchanged], [moved], [forgotten]].map((changes) => digestOf(planOf(changes)));
    expect(digests[0]).toBe(digests[1]);
    expect(new Set(digests).size).toBe(3);
  });

  it("has outputs that another configuration may read", () => {
    const [unchanged, changed, removed] = [
      { actions: ["no-op"], before: "arn", after: "arn" },
      { actions: ["update"], before: "arn", after: "other" },
      { actions: ["delete"], before: "arn", after: null },
    ].map((bucket) => digestOf(planOf([], { output_changes: { bucket } })));
    expect(unchanged).toBe(digestOf(planOf([])));
    expect(new Set([unchanged, changed, removed]).size).toBe(3);
  });
});

describe("an output", () => {
  it.each([
    ["that is removed", { actions: ["delete"], before: "arn", after: null }, "output.exports-outputs"],
    [
      "of a feature that no longer has one of its values",
      {
        actions: ["update"],
        before: { bucket: "b", table: "t", url: "u" },
        after: { table: "t" },
        after_unknown: { url: true },
      },
      "output.exports-outputs.bucket",
    ],
  ])("%s is said, since others may read it from the state", (_, change, address) => {
    const report = review([], { output_changes: { "exports-outputs": change } });
    expect(report.findings).toMatchObject([{ verdict: "identity", address, refused: false }]);
    expect(markdownOf(report)).not.toContain("No changes");
  });

  it("that is added or changed is no finding", () => {
    const output_changes = {
      added: { actions: ["create"], before: null, after: "arn" },
      changed: { actions: ["update"], before: { a: 1 }, after: { a: 2, b: 1 } },
    };
    expect(review([], { output_changes }).findings).toEqual([]);
  });

  it("that was sensitive and is shown from now on is an exposure, without its value", () => {
    const secret = { actions: ["update"], before: "hunter2", after: "hunter2", before_sensitive: true };
    const report = review([], { output_changes: { webhook: { ...secret, after_sensitive: false } } });
    expect(report.findings).toMatchObject([{ verdict: "exposure", address: "output.webhook", refused: true }]);
    expect(JSON.stringify(report)).not.toContain("hunter2");
    expect(review([], { output_changes: { webhook: { ...secret, after_sensitive: true } } }).findings).toEqual([]);
  });
});

describe("a check block", () => {
  const check = (status: string) => ({
    checks: [{ address: { kind: "check", name: "health", to_display: "check.health" }, status, instances: [] }],
  });

  it("that fails is a warning", () => {
    for (const status of ["fail", "error"]) {
      const report = review([], check(status));
      expect(report.findings).toMatchObject([{ address: "check.health", refused: false }]);
    }
    for (const status of ["pass", "unknown"]) expect(review([], check(status)).findings).toEqual([]);
  });
});
