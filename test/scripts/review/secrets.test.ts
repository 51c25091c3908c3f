import { toMarkdown } from "../../../scripts/review/markdown";
import { parsePlan } from "../../../scripts/review/plan";
import { reviewPlan } from "../../../scripts/review/report";
import { samplePlan, type SampleChange } from "./sample-plan";

const SECRET = "sk_live_4eC39HqLyjWDarjtT1zdp7dc";

/** All that a review says of a plan, as Markdown and as JSON. */
function textOf(change: Pick<SampleChange, "address" | "before" | "after">): string {
  const report = reviewPlan(parsePlan(samplePlan([{ actions: ["update"], ...change }])), new Set());
  return toMarkdown(report, { environment: "staging" }) + JSON.stringify(report);
}
const policyIf = (Condition: object) =>
  JSON.stringify({
    Statement: [{ Effect: "Allow", Action: "s3:GetObject", Resource: "*", Principal: "*", Condition }],
  });
const bucketPolicy = (before: object, after: object) => ({
  address: "aws_s3_bucket_policy.b",
  before: { bucket: "b", policy: policyIf(before) },
  after: { bucket: "b", policy: policyIf(after) },
});

describe("the text of a review", () => {
  it.each<[where: string, change: Pick<SampleChange, "address" | "before" | "after">]>([
    ["of a known form in a policy's condition", bucketPolicy({}, { StringEquals: { "aws:UserAgent": SECRET } })],
    [
      "in a list of a policy's condition",
      bucketPolicy(
        { StringEquals: { "aws:Referer": ["https://a", SECRET] } },
        { StringEquals: { "aws:Referer": "https://a" } },
      ),
    ],
    [
      "in a condition by the name of a tag",
      bucketPolicy({}, { StringEquals: { "aws:RequestTag/api-key": "hunter2-swordfish" } }),
    ],
    [
      "in a variable that is added with all others, at the cut",
      {
        address: "aws_lambda_function.f",
        before: { environment: [] },
        after: { environment: [{ variables: { A: "a".repeat(122), B: SECRET } }] },
      },
    ],
    [
      "in a state machine that is JSON in JSON",
      {
        address: "aws_sfn_state_machine.m",
        before: { definition: "" },
        after: {
          definition: JSON.stringify({ States: { Call: { Arguments: JSON.stringify({ password: "swordfish" }) } } }),
        },
      },
    ],
    [
      "in a description",
      { address: "aws_sns_topic.t", before: { display_name: "a" }, after: { display_name: `a ${SECRET}` } },
    ],
  ])("hides a secret %s", (_, change) => {
    const text = textOf(change);
    expect(text).toContain("(sensitive)");
    expect(text).not.toMatch(/sk_live|hunter2|swordfish/);
  });

  it("shows what looks like a secret's name, and says who may use a role", () => {
    const text = textOf(
      bucketPolicy(
        {},
        {
          StringLike: { "token.actions.githubusercontent.com:sub": "repo:acme/app:environment:staging" },
          DateLessThan: { "aws:TokenIssueTime": "2026-01-01T00:00:00Z" },
        },
      ),
    );
    expect(text).toContain("repo:acme/app:environment:staging");
    expect(text).toContain("2026-01-01T00:00:00Z");
  });
});
