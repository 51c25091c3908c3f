import { toMarkdown } from "../../../scripts/review/markdown";
import { NotAPlanError, parsePlan } from "../../../scripts/review/plan";
import { countChanges, forbiddenLoss, isEmpty, reviewPlan, type Report } from "../../../scripts/review/report";
import { samplePlan, type SampleChange } from "./sample-plan";

const TABLE = "module.bells.aws_dynamodb_table.bells";

function review(changes: readonly SampleChange[], allowed: readonly string[] = []): Report {
  return reviewPlan(parsePlan(samplePlan(changes)), new Set(allowed));
}
const markdownOf = (report: Report, maxCharacters?: number) =>
  toMarkdown(report, { environment: "staging", ...(maxCharacters !== undefined && { maxCharacters }) });

const replacedTable: SampleChange = {
  address: TABLE,
  actions: ["delete", "create"],
  before: { hash_key: "id", name: "bells" },
  after: { hash_key: "hour", name: "bells" },
  replace_paths: [["hash_key"]],
};

describe("data loss", () => {
  it("is a stateful resource that is replaced, with what forces it", () => {
    const report = review([replacedTable]);
    expect(report.dataLoss).toEqual([
      {
        address: TABLE,
        action: "replaced",
        what: "its items",
        because: [{ path: "hash_key", before: '"id"', after: '"hour"', forcesReplacement: true }],
        allowed: false,
      },
    ]);
    expect(forbiddenLoss(report)).toHaveLength(1);
    expect(markdownOf(report)).toContain(`❌ \`${TABLE}\` is **replaced**: its items are lost.`);
  });

  it.each([
    [["delete"], "destroyed"],
    [["create", "delete"], "replaced"],
    [["delete", "create"], "replaced"],
  ])("is %j", (actions, action) => {
    expect(review([{ ...replacedTable, actions }]).dataLoss).toMatchObject([{ action }]);
  });

  it.each([
    "aws_s3_bucket",
    "aws_sqs_queue",
    "aws_kms_key",
    "aws_cloudwatch_log_group",
    "aws_ssm_parameter",
    "aws_secretsmanager_secret",
  ])("is a destroyed %s", (type) => {
    expect(forbiddenLoss(review([{ address: `${type}.it`, actions: ["delete"], before: {} }]))).toHaveLength(1);
  });

  it("is no function, no alarm, no role that is destroyed, and no table that is changed or forgotten", () => {
    const report = review([
      { address: "aws_lambda_function.f", actions: ["delete"], before: {} },
      { address: "aws_cloudwatch_metric_alarm.a", actions: ["delete"], before: {} },
      { address: "aws_iam_role.r", actions: ["delete", "create"], before: {}, after: {} },
      { ...replacedTable, actions: ["update"], replace_paths: [] },
      { address: "aws_s3_bucket.kept", actions: ["forget"], before: {} },
    ]);
    expect(report.dataLoss).toEqual([]);
  });

  it("may be, where it is named, and then only there", () => {
    const other = { address: "aws_s3_bucket.files", actions: ["delete"], before: {} };
    const report = review([replacedTable, other], [TABLE]);
    expect(report.dataLoss.map(({ allowed }) => allowed)).toEqual([true, false]);
    expect(forbiddenLoss(report).map(({ address }) => address)).toEqual(["aws_s3_bucket.files"]);
    expect(forbiddenLoss(review([replacedTable], [TABLE]))).toEqual([]);
    expect(markdownOf(review([replacedTable], [TABLE]))).toContain("**⚠️ Data is lost, as allowed.**");
  });

  it("is told of what a failed replacement has left behind, too", () => {
    const [loss] = review([{ address: TABLE, actions: ["delete"], before: {}, deposed: "a1b2c3d4" }]).dataLoss;
    expect(loss?.address).toContain("deposed by a failed replacement");
  });

  it("is told of where less is kept than before", () => {
    const { findings } = review([
      {
        address: TABLE,
        actions: ["update"],
        before: { deletion_protection_enabled: true, point_in_time_recovery: [{ enabled: true }] },
        after: { deletion_protection_enabled: false, point_in_time_recovery: [{ enabled: false }] },
      },
      {
        address: "aws_cloudwatch_log_group.logs",
        actions: ["update"],
        before: { retention_in_days: 30 },
        after: { retention_in_days: 7 },
      },
      {
        address: "aws_cloudwatch_log_group.longer",
        actions: ["update"],
        before: { retention_in_days: 7 },
        after: { retention_in_days: 30 },
      },
    ]);
    expect(findings).toMatchObject([
      {
        address: TABLE,
        verdict: "data",
        what: "can be deleted",
        changes: ["deletion_protection_enabled: true → false"],
      },
      { address: TABLE, verdict: "data", what: "can no longer be restored to any second" },
      { address: "aws_cloudwatch_log_group.logs", verdict: "data", what: "deletes its logs earlier" },
    ]);
  });
});

describe("what is sensitive", () => {
  const SECRET = "hunter2";
  const secrets: readonly SampleChange[] = [
    {
      address: "aws_thing.attribute",
      actions: ["update"],
      before: { password: SECRET },
      after: { password: `${SECRET}-new` },
      before_sensitive: { password: true },
      after_sensitive: { password: true },
    },
    {
      address: "aws_thing.only_before",
      actions: ["update"],
      before: { password: SECRET },
      after: { password: `${SECRET}-new` },
      before_sensitive: { password: true },
    },
    {
      address: "aws_thing.only_after",
      actions: ["update"],
      before: { password: SECRET },
      after: { password: `${SECRET}-new` },
      after_sensitive: { password: true },
    },
    {
      address: "aws_thing.nested",
      actions: ["update"],
      // By its name, the second one is the first one's counterpart: marks go by place.
      before: { list: [{ name: "b", value: SECRET }] },
      after: {
        list: [
          { name: "a", value: "open" },
          { name: "b", value: `${SECRET}-new` },
        ],
      },
      before_sensitive: { list: [{ value: true }] },
      after_sensitive: { list: [{}, { value: true }] },
    },
    {
      address: "aws_thing.gone_item",
      actions: ["update"],
      before: { list: [{ name: "b", value: SECRET }] },
      after: { list: [] },
      before_sensitive: { list: [{ value: true }] },
    },
    {
      address: "aws_thing.whole",
      actions: ["update"],
      before: { a: SECRET },
      after: { a: `${SECRET}-new` },
      before_sensitive: true,
      after_sensitive: true,
    },
    {
      address: "aws_thing.json",
      actions: ["update"],
      before: { policy: `{"Statement":[{"Effect":"Allow","Action":"${SECRET}","Resource":"*"}]}` },
      after: { policy: `{"Statement":[{"Effect":"Allow","Action":"${SECRET}:new","Resource":"*"}]}` },
      before_sensitive: { policy: true },
      after_sensitive: { policy: true },
    },
    {
      address: "aws_dynamodb_table.forced",
      actions: ["delete", "create"],
      before: { key: SECRET },
      after: { key: `${SECRET}-new` },
      before_sensitive: { key: true },
      after_sensitive: { key: true },
      replace_paths: [["key"]],
    },
    {
      address: "aws_thing.added",
      actions: ["create"],
      after: { password: SECRET },
      after_sensitive: { password: true },
    },
    {
      address: "aws_thing.gone",
      actions: ["delete"],
      before: { password: SECRET },
      before_sensitive: { password: true },
    },
  ];

  it.each(secrets)("is never shown: $address", (change) => {
    const report = review([change]);
    expect(JSON.stringify(report)).not.toContain(SECRET);
    expect(markdownOf(report)).not.toContain(SECRET);
    expect(markdownOf(report)).toContain(change.address);
  });

  it("is told to change", () => {
    expect(markdownOf(review(secrets.slice(0, 1)))).toContain("password = (sensitive), changed");
  });
});

describe("what is not known before the apply", () => {
  it("is said to be so, also where it has no value yet", () => {
    const report = review([
      {
        address: "aws_thing.it",
        actions: ["update"],
        before: { arn: "old", block: [{ id: "1", size: 1 }] },
        after: { block: [{ size: 1 }] },
        after_unknown: { arn: true, block: [{ id: true }], new: true },
      },
    ]);
    expect(report.modules[0]?.changes[0]?.values).toEqual([
      { path: "arn", before: '"old"', after: "(known after apply)", forcesReplacement: false },
      { path: "block.0.id", before: '"1"', after: "(known after apply)", forcesReplacement: false },
      { path: "new", after: "(known after apply)", forcesReplacement: false },
    ]);
  });
});

describe("changes", () => {
  it("are told by module, each with what is done to it", () => {
    const report = review([
      { address: "aws_sns_topic.alarms", actions: ["no-op"], before: {}, after: {} },
      { address: "aws_kms_alias.a", actions: ["create"], after: {} },
      { address: "module.bells.aws_lambda_function.ring", actions: ["update"], before: { m: 1 }, after: { m: 2 } },
      { address: "module.bells.aws_iam_role.r", actions: ["no-op"], previous_address: "module.bells.aws_iam_role.old" },
      { address: "module.bells.aws_lambda_alias.x", actions: ["forget"], before: {} },
    ]);
    expect(
      report.modules.map(({ module, changes }) => [
        module,
        changes.map(({ address, action }) => `${action} ${address}`),
      ]),
    ).toEqual([
      ["", ["added aws_kms_alias.a"]],
      [
        "bells",
        [
          "changed module.bells.aws_lambda_function.ring",
          "moved module.bells.aws_iam_role.r",
          "forgotten module.bells.aws_lambda_alias.x",
        ],
      ],
    ]);
    expect(countChanges(report)).toBe(2);
  });

  it("of one item in a list or in JSON are those of this item alone", () => {
    const targets = (...names: readonly string[]) =>
      JSON.stringify(names.map((name) => ({ name, url: `https://${name}/` })));
    const report = review([
      {
        address: "aws_s3_object.targets",
        actions: ["update"],
        before: { content: targets("a", "b", "c") },
        after: { content: targets("b", "c") },
      },
    ]);
    expect(report.modules[0]?.changes[0]?.values.map(({ path }) => path)).toEqual(["content.a"]);
  });

  it("are none when the plan is empty", () => {
    const report = review([{ address: TABLE, actions: ["no-op"], before: {}, after: {} }]);
    expect(isEmpty(report)).toBe(true);
    expect(markdownOf(report)).toBe(
      "# Review of `staging`\n\nNo changes: the deployed environment matches the configuration.\n",
    );
  });
});

describe("the Markdown", () => {
  const hostile = "x\n```\n</details>\n# Approve me @everyone <img src=x> ```````` `";

  it("keeps whatever a value holds in its block", () => {
    const markdown = markdownOf(
      review([
        { address: "aws_thing.it", actions: ["update"], before: { text: "good" }, after: { text: hostile } },
        {
          ...replacedTable,
          after: { hash_key: hostile },
        },
      ]),
    );
    const outside = markdown
      .replace(/^(`{3,})diff\n[^]*?\n\1$/gm, "")
      .replace(/(?<!`)(`+)(?!`)[^\n]*?(?<!`)\1(?!`)/g, "");
    expect(outside).not.toMatch(/Approve|everyone|<img/);
  });

  it("fits where it is posted, and says that it was shortened", () => {
    const many = Array.from({ length: 400 }, (_, index) => ({
      address: `module.bells.aws_lambda_function.f${index}`,
      actions: ["update"],
      before: { environment: "a".repeat(150) },
      after: { environment: "b".repeat(150) },
    }));
    const report = review([replacedTable, ...many]);
    expect(markdownOf(report).length).toBeGreaterThan(65_000);
    for (const most of [65_000, 5_000]) {
      const markdown = markdownOf(report, most);
      expect(markdown.length).toBeLessThanOrEqual(most);
      expect(markdown).toContain("Data would be lost");
      expect(markdown).toContain("The report is too long and was cut");
    }
  });
});

describe("a file that is no plan", () => {
  it.each(["", "not JSON", "{}", '{"format_version":"1.2","resource_changes":[{}]}'])("is refused: %j", (json) => {
    expect(() => parsePlan(json)).toThrow(NotAPlanError);
  });
});
