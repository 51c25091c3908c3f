/** Terraform itself says what the written HCL means. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as z from "zod";
import { expressionOf, indented, jsonExpressionOf, literalOf } from "../../../modules/hcl/expression";
import { canonicalJsonText } from "../../../modules/hcl/json-text";
import { terraform } from "../../../scripts/terraform/terraform";
import fc from "../../support/fast-check";

const folder = mkdtempSync(join(tmpdir(), "almanac-hcl-"));
afterAll(() => {
  rmSync(folder, { recursive: true });
});

const literal = fc.oneof(
  fc.string({
    unit: fc.constantFrom("$", "%", "{", "}", "\\", '"', "\n", " ", "\t", "a", "é", "👩‍💻", "<", "&", "EOT"),
  }),
  fc.string({ unit: "grapheme" }),
  fc.constantFrom(
    "two\nlines",
    "  indented\nless",
    "a\n\nb",
    "a\n \nb",
    "a\nEOT\nb",
    "\u0000\u2028\u007f",
    "${aws:username}",
    "{% $x < 1 %}",
  ),
);
const expressions = [
  "${local.text}",
  "${local.number}",
  '${replace(local.text, "a", "${local.number}")}',
  "${true ? 1 : 2}",
];
const template = fc
  .array(
    fc.oneof(
      literal.map((text) => text.replace(/[$%](?=\{)|[$%]$/g, "$&$&")),
      fc.constantFrom(...expressions),
    ),
    {
      maxLength: 3,
    },
  )
  .map((parts) => parts.join(""))
  // A dollar sign before an expression cannot be written.
  .filter((text) => !/[$%]\$\{/.test(text));
const name = fc.oneof(
  fc.constantFrom("a", "Effect", "aws:SourceArn", "for", "null", "x y", "content-type", "ü"),
  fc.string(),
);
const scalar = fc.oneof(template, fc.integer(), fc.constantFrom(0.5, -1, 1e6), fc.boolean(), fc.constant(null));
const { value } = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    scalar,
    fc.array(tie("value"), { maxLength: 3 }),
    fc.dictionary(name, tie("value"), { maxKeys: 3, noNullPrototype: true }),
  ),
}));

/** A JSON text with templates: in strings, and where a value is expected. */
const document = fc
  .dictionary(fc.constantFrom("a", "b", "c", "Ü", "<"), value, {
    minKeys: 1,
    noNullPrototype: true,
  })
  .map((object) =>
    JSON.stringify(withEscapedNames(object), (_, item: unknown) =>
      typeof item === "string" ? textInJson(item) : item,
    ).replaceAll('"BARE"', "${local.number}"),
  );

/** Escapes of JSON inside of an expression would be part of the expression. */
function textInJson(text: string): string {
  if (text === "${local.number}") return "BARE";
  return text.includes('"') ? text.replace(/\$\{.*\}/gs, "") : text;
}

const sampleOf = <T>(arbitrary: fc.Arbitrary<T>, numRuns: number) => fc.sample(arbitrary, { numRuns });
const escaped = (key: string) => key.replace(/[$%](?=\{)/g, "$&$&");
const withEscapedNames = (item: unknown): unknown => {
  if (Array.isArray(item)) return item.map(withEscapedNames);
  if (typeof item !== "object" || item === null) return item;
  return Object.fromEntries(
    Object.entries(item).map(([key, each]) => [escaped(key), withEscapedNames(each as unknown)]),
  );
};

const outputsSchema = z.object({
  planned_values: z.object({
    outputs: z.record(z.string(), z.object({ value: z.unknown().optional() })),
  }),
});

interface Pair {
  readonly hcl: string;
  readonly json: unknown;
}

/** The values that Terraform gives outputs; what HCL says, and what JSON says. */
async function evaluated(into: string, pairs: readonly Pair[]) {
  const cwd = join(folder, into);
  mkdirSync(cwd);
  const hcl = pairs.map((pair, index) => `output "hcl_${index}" {\n${indented(`value = ${pair.hcl}`)}\n}\n`).join("\n");
  const json = Object.fromEntries(pairs.map((pair, index) => [`json_${index}`, { value: pair.json }]));
  writeFileSync(join(cwd, "hcl.tf"), `locals {\n  text   = "ab"\n  number = 7\n}\n\n${hcl}`);
  writeFileSync(join(cwd, "json.tf.json"), JSON.stringify({ output: json }));
  expect(await terraform(["fmt", "-diff"], { cwd })).toBe("");
  await terraform(["init", "-no-color"], { cwd });
  await terraform(["plan", "-no-color", "-out=plan"], { cwd });
  const shown: unknown = JSON.parse(await terraform(["show", "-json", "plan"], { cwd }));
  const { outputs } = outputsSchema.parse(shown).planned_values;
  return pairs.map((_, index) => ({
    hcl: outputs[`hcl_${index}`]?.value,
    json: outputs[`json_${index}`]?.value,
  }));
}

it("writes values that mean what they mean in JSON, and as terraform fmt does", async () => {
  const samples = sampleOf(value.map(withEscapedNames), 300);
  const results = await evaluated(
    "values",
    samples.map((sample) => ({ hcl: expressionOf(sample), json: sample })),
  );
  results.forEach(({ hcl, json }, index) => {
    expect({ sample: samples[index], hcl }).toEqual({ sample: samples[index], hcl: json });
  });
});

it("writes literals as they are", async () => {
  const samples = sampleOf(fc.array(literal, { maxLength: 3 }), 100);
  const results = await evaluated(
    "literals",
    samples.map((sample) => ({ hcl: literalOf(sample), json: "" })),
  );
  // Terraform composes characters in all strings.
  expect(results.map(({ hcl }) => hcl)).toEqual(samples.map((texts) => texts.map((text) => text.normalize("NFC"))));
});

it("writes JSON documents whose text is the same to the byte", async () => {
  const samples = sampleOf(document, 300);
  const results = await evaluated(
    "documents",
    samples.map((sample) => ({ hcl: jsonExpressionOf(sample), json: canonicalJsonText(sample) })),
  );
  results.forEach(({ hcl, json }, index) => {
    expect({ sample: samples[index], hcl }).toEqual({ sample: samples[index], hcl: json });
  });
});

it("keeps all digits of the numbers in JSON documents", async () => {
  const exact = ["9007199254740993", "-12345678901234567890", "0.1234567890123456789", "100", "0.5", "-7"];
  // Terraform writes these in its own way, which is the same for both.
  const written = ["-0", "1e21", "1.50", "2E+3", "1e-7", "123456789012345678901234567890e-5", "1e400"];
  const document = `{"a":[${[...exact, ...written].join(", ")}],"b":"1e5 \\"9007199254740993","c":\${local.number}}`;
  const [result] = await evaluated("numbers", [{ hcl: jsonExpressionOf(document), json: canonicalJsonText(document) }]);
  expect(result?.hcl).toEqual(result?.json);
  expect(result?.hcl).toMatch(`{"a":[${exact.join(",")},`);
  expect(result?.hcl).toMatch(',"b":"1e5 \\"9007199254740993","c":7}');
});

it("writes half of a surrogate pair in JSON documents as files have it", async () => {
  const document = JSON.stringify({ Comment: "\ud83d", "\udd14": "a\ud83db" });
  const [result] = await evaluated("halves", [{ hcl: jsonExpressionOf(document), json: canonicalJsonText(document) }]);
  expect(result).toEqual({ hcl: '{"Comment":"\ufffd","\ufffd":"a\ufffdb"}', json: result?.hcl });
});

it("reads as a person would write it", () => {
  const policy = {
    Version: "2012-10-17",
    Statement: [
      {
        Sid: "FiresQueueUrl",
        Effect: "Allow",
        Principal: { Service: "lambda.amazonaws.com" },
        Action: ["sqs:SendMessage"],
        Resource: ["${aws_sqs_queue.fires.arn}", "${aws_sqs_queue.fires.arn}/*"],
        Condition: { StringEquals: { "aws:SourceAccount": "${var.account}" } },
      },
    ],
  };
  expect(jsonExpressionOf(JSON.stringify(policy))).toMatchInlineSnapshot(`
   "jsonencode({
     Version = "2012-10-17"
     Statement = [
       {
         Sid       = "FiresQueueUrl"
         Effect    = "Allow"
         Principal = { Service = "lambda.amazonaws.com" }
         Action    = ["sqs:SendMessage"]
         Resource  = [aws_sqs_queue.fires.arn, "\${aws_sqs_queue.fires.arn}/*"]
         Condition = {
           StringEquals = { "aws:SourceAccount" = tostring(var.account) }
         }
       },
     ]
   })"
  `);
  expect(expressionOf('Timers fire late.\n\nImpact: "none" for ${var.app}.')).toMatchInlineSnapshot(`
   "chomp(<<-EOT
     Timers fire late.

     Impact: "none" for \${var.app}.
     EOT
   )"
  `);
});
