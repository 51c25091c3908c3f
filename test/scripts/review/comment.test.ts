import { digestOf } from "../../../scripts/review/digest";
import { toMarkdown } from "../../../scripts/review/markdown";
import { parsePlan } from "../../../scripts/review/plan";
import { isForbidden, reviewPlan } from "../../../scripts/review/report";
import { samplePlan, type SampleChange } from "./sample-plan";
import fc from "../../support/fast-check";

const changes = (count: number, text: string): readonly SampleChange[] =>
  Array.from({ length: count }, (_, index) => ({
    address: `module.bells.aws_lambda_function.f${index}`,
    actions: ["update"],
    before: { description: text, timeout: index },
    after: { description: `${text}!`, timeout: index + 1 },
  }));
const report = (of: readonly SampleChange[], allow: readonly string[] = []) =>
  reviewPlan(parsePlan(samplePlan(of)), new Set(allow));

/** Whether every fence and fold of a Markdown text is closed, and no other. */
function isClosed(markdown: string): boolean {
  let fence: string | undefined;
  let folds = 0;
  for (const line of markdown.split("\n")) {
    const run = /^(`{3,})/.exec(line)?.[1];
    if (fence !== undefined) fence = line === fence ? undefined : fence;
    else if (run !== undefined) fence = run;
    else folds += line === "<details>" ? 1 : line === "</details>" ? -1 : 0;
  }
  return fence === undefined && folds === 0;
}

describe("a report that is too long", () => {
  it("ends every fence and fold that it has opened, and opens none, wherever it is cut", () => {
    fc.assert(
      fc.property(fc.integer({ min: 300, max: 9_000 }), fc.integer({ min: 1, max: 40 }), (maxCharacters, count) => {
        const markdown = toMarkdown(report(changes(count, "```` text ```")), { environment: "staging", maxCharacters });
        expect(markdown.length).toBeLessThanOrEqual(maxCharacters);
        expect(isClosed(markdown)).toBe(true);
      }),
      { numRuns: 200 },
    );
  });
});

describe("values", () => {
  const described = (before: object, after: object) =>
    toMarkdown(
      report([{ address: "aws_lambda_function.f", actions: ["update"], before: { ...before }, after: { ...after } }]),
      { environment: "staging" },
    );
  it.each(["constructor", "toString", "hasOwnProperty"])("are shown by names such as %s", (name) => {
    expect(described({ tags: { a: "1" } }, { tags: { a: "1", [name]: "b" } })).toContain(`+     tags.${name} = "b"`);
  });

  it("that JavaScript would round differ in all digits", () => {
    const text = (digits: string) => ({ description: `{"limit":${digits}}` });
    expect(described(text("9007199254740992"), text("9007199254740993"))).toContain(
      'description.limit = "9007199254740993"',
    );
  });
});

describe("values that look like secrets", () => {
  it.each([
    ["environment.variables.STRIPE", "sk_" + "live_51H8abcdefghijklmnop"],
    ["environment.variables.API_TOKEN", "a1b2c3d4e5f6g7h8"],
    ["environment.variables.HOOK", "https://hooks.slack." + "com/services/T0/B0/abc"],
    ["environment.variables.DATABASE", "postgres://me:hunter2@db.example.org/shop"],
    ["environment.variables.SMTP_PASS", "tea"],
    ["environment.variables.PASSPHRASE", "correct horse battery staple"],
    ["environment.variables.SENTRY_DSN", "https://0a1b2c3d@o1.ingest.example.org/2"],
    ["environment.variables.UPSTREAM", "Basic YWRhOnRlYQ=="],
    ["environment.variables.CHAT", "https://discord.com/api/webhooks/" + "1234/abcDEF"],
  ])("are not shown: %s", (path, secret) => {
    const [, , name = ""] = path.split(".");
    const markdown = toMarkdown(
      report([
        {
          address: "aws_lambda_function.f",
          actions: ["update"],
          before: { environment: [{ variables: { [name]: secret } }] },
          after: { environment: [{ variables: { [name]: `${secret}2` } }] },
        },
      ]),
      { environment: "staging" },
    );
    expect(markdown).not.toContain(secret);
    expect(markdown).toContain("(sensitive)");
  });

  it("are not names of parameters, and no ordinary values", () => {
    const markdown = toMarkdown(
      report([
        {
          address: "aws_lambda_function.f",
          actions: ["update"],
          before: { environment: [{ variables: { SECRET_PARAMETER: "/almanac/one", TOKEN_SECONDS: "50" } }] },
          after: { environment: [{ variables: { SECRET_PARAMETER: "/almanac/two", TOKEN_SECONDS: "60" } }] },
        },
      ]),
      { environment: "staging" },
    );
    expect(markdown).toContain("/almanac/two");
    expect(markdown).not.toContain("(sensitive)");
  });
});

describe("what is allowed", () => {
  it("may be named in 44 characters, as a label of a pull request can", () => {
    const destroyed: SampleChange = {
      address: "module.bells.aws_dynamodb_table.bells",
      actions: ["delete"],
      before: {},
    };
    expect(isForbidden(report([destroyed]))).toBe(true);
    expect(isForbidden(report([destroyed], ["bells.dynamodb_table.bells"]))).toBe(false);
    expect(isForbidden(report([destroyed], ["other.dynamodb_table.bells"]))).toBe(true);
  });
});

describe("the digest of a plan", () => {
  const digest = (of: readonly SampleChange[], rest = {}) => digestOf(parsePlan(samplePlan(of, rest)));

  it("is the same for two plans of the same meaning", () => {
    const some = changes(3, "text");
    const unchanged: SampleChange = {
      address: "aws_sqs_queue.q",
      actions: ["no-op"],
      before: { a: 1 },
      after: { a: 1 },
    };
    expect(digest([...some].reverse(), { timestamp: "later" })).toBe(digest([...some, unchanged]));
  });

  it("differs where what is written does, of which the value is known after the apply only", () => {
    const role = { role: "ring" };
    const policy = (Action: string, unknown: boolean) =>
      digest(
        [
          {
            address: "aws_iam_role_policy.p",
            actions: ["create"],
            after: role,
            after_unknown: unknown ? { policy: true } : {},
          },
        ],
        {
          configuration: {
            root_module: {
              resources: [
                {
                  address: "aws_iam_role_policy.p",
                  expressions: {
                    policy: { constant_value: `{"Action":"${Action}","Resource":"\${aws_sqs_queue.q.arn}"}` },
                  },
                },
              ],
            },
          },
        },
      );
    expect(policy("sqs:SendMessage", true)).toBe(policy("sqs:SendMessage", true));
    expect(policy("sqs:SendMessage", true)).not.toBe(policy("*", true));
    expect(policy("sqs:SendMessage", false)).toBe(policy("*", false));
  });

  it("is the same for two plans that create something with the time of each", () => {
    const created = (timestamp: string, time = timestamp) =>
      digest([{ address: "terraform_data.since", actions: ["create"], after: { input: { time } } }], { timestamp });
    const [noon, later] = ["2026-11-28T12:00:00Z", "2026-11-28T12:07:31Z"];
    expect(created(noon)).toBe(created(later));
    expect(created(noon)).not.toBe(created(later, noon));
  });

  it("differs when any value does", () => {
    expect(digest(changes(3, "text"))).not.toBe(digest(changes(3, "other")));
    expect(digest(changes(3, "text"))).not.toBe(digest(changes(2, "text")));
  });
});
