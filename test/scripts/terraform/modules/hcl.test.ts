import { execFileSync } from "node:child_process";
import fc from "fast-check";
import { assignments, hcl } from "../../../../scripts/terraform/modules/hcl";

it("writes references without quotes, and templates as they are", () => {
  expect(hcl("${aws_sns_topic.alarms.arn}")).toBe("aws_sns_topic.alarms.arn");
  expect(hcl("${aws_lambda_function.all[0].arn}")).toBe("aws_lambda_function.all[0].arn");
  expect(hcl("${var.app}-${var.environment}")).toBe('"${var.app}-${var.environment}"');
  expect(hcl("$${literal}")).toBe('"$${literal}"');
});

it("aligns short values that stand together, as terraform fmt does", () => {
  expect(assignments({ a: 1, long_name: [], list: ["x"], b: { "content-type": null }, c: true }, 0)).toEqual([
    "a         = 1",
    "long_name = []",
    'list = [\n  "x",\n]',
    "b = {\n  content-type = null\n}",
    "c = true",
  ]);
});

it("writes what terraform fmt leaves alone", () => {
  const key = fc.oneof(fc.constantFrom("a", "bcd", "content-type", "x y"), fc.stringMatching(/^[a-z_]{1,8}$/));
  const { value } = fc.letrec((tie) => ({
    value: fc.oneof(
      { maxDepth: 3 },
      fc.constantFrom("text", 'quo"te', "${aws_sns_topic.alarms.arn}", 1, 2.5, true, null, "two\nlines"),
      fc.array(tie("value"), { maxLength: 3 }),
      fc.dictionary(key, tie("value"), { maxKeys: 4, noNullPrototype: true }),
    ),
  }));
  const samples = fc.sample(fc.dictionary(key, value, { maxKeys: 5, noNullPrototype: true }), {
    numRuns: 100,
    seed: 7,
  });
  const text = samples
    .map((sample, index) => ["locals {", `  sample_${index} = ${hcl(sample, 2)}`, "}", ""].join("\n"))
    .join("\n");
  expect(execFileSync("terraform", ["fmt", "-"], { input: text, encoding: "utf8", stdio: "pipe" })).toBe(text);
});
