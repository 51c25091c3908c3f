import { ownAccounts } from "../../../scripts/review/foreign-accounts";
import { changedPermissions } from "../../../scripts/review/permissions";
import { Expressions, parsePlan } from "../../../scripts/review/plan";
import { samplePlan, type SampleChange } from "./sample-plan";

function permissionsOf(changes: readonly SampleChange[], rest?: Readonly<Record<string, unknown>>) {
  const plan = parsePlan(samplePlan(changes, rest));
  return changedPermissions(plan.resource_changes, new Expressions(plan), ownAccounts(plan));
}
const policy = (...Statement: readonly object[]) => JSON.stringify({ Version: "2012-10-17", Statement });
const allow = (Action: string | readonly string[], Resource: string | readonly string[], more = {}) => ({
  Effect: "Allow",
  Action,
  Resource,
  ...more,
});
const NOTHING_HARMFUL = { harms: [], revoked: [] };
const rolePolicy = (before: string | null, after: string | null): SampleChange => ({
  address: "module.bells.aws_iam_role_policy.ring",
  actions: before === null ? ["create"] : after === null ? ["delete"] : ["update"],
  before: before === null ? null : { role: "ring", policy: before },
  after: after === null ? null : { role: "ring", policy: after },
});

describe("changed permissions", () => {
  it("are told by role: what it gains, and what it loses", () => {
    const before = policy(
      allow(["sqs:SendMessage", "sqs:ReceiveMessage"], "arn:jobs"),
      allow("s3:GetObject", "arn:files"),
    );
    const after = policy(
      allow(["sqs:SendMessage", "sqs:DeleteMessage"], ["arn:jobs"]),
      allow("s3:GetObject", "arn:files"),
    );
    expect(permissionsOf([rolePolicy(before, after)])).toEqual([
      {
        owner: "role ring",
        gained: ["Allow sqs:DeleteMessage on arn:jobs"],
        lost: ["Allow sqs:ReceiveMessage on arn:jobs"],
        ...NOTHING_HARMFUL,
        revoked: [
          {
            address: "module.bells.aws_iam_role_policy.ring",
            type: "aws_iam_role_policy",
            sentences: ["Allow sqs:ReceiveMessage on arn:jobs"],
            entirely: false,
          },
        ],
      },
    ]);
  });

  it("are none where statements are only written otherwise", () => {
    const before = policy(allow(["a:B", "a:C"], "arn:x", { Sid: "One" }));
    const after = policy(allow("a:C", "arn:x", { Sid: "Two" }), allow("a:B", ["arn:x"], { Sid: "Three" }));
    expect(permissionsOf([rolePolicy(before, after)])).toEqual([]);
  });

  it("are none where a permission moves from one policy of a role to another", () => {
    const statement = policy(allow("a:B", "arn:x"));
    const other = { ...rolePolicy(null, statement), address: "module.bells.aws_iam_role_policy.other" };
    expect(permissionsOf([rolePolicy(statement, null), other])).toEqual([]);
  });

  it("are none where a permission moves from one address of a function to another", () => {
    const permission = { function_name: "ring", action: "lambda:InvokeFunction", principal: "events", source_arn: "r" };
    expect(
      permissionsOf([
        { address: "aws_lambda_permission.a", actions: ["delete"], before: { ...permission, statement_id: "a" } },
        { address: "aws_lambda_permission.b", actions: ["create"], after: { ...permission, statement_id: "b" } },
      ]),
    ).toEqual([]);
  });

  it("are all of a role's that comes, and of one that goes", () => {
    expect(permissionsOf([rolePolicy(null, policy(allow("a:B", "arn:x")))])).toMatchObject([
      { gained: ["Allow a:B on arn:x"], lost: [] },
    ]);
    expect(permissionsOf([rolePolicy(policy(allow("a:B", "arn:x")), null)])).toMatchObject([
      { gained: [], lost: ["Allow a:B on arn:x"] },
    ]);
  });

  it("tell conditions, principals, what is denied, and what is all but something", () => {
    const statement = {
      Effect: "Deny",
      NotAction: "s3:GetObject",
      NotResource: "arn:x",
      Principal: { Service: "events.amazonaws.com" },
      Condition: { Bool: { "aws:SecureTransport": "false" } },
    };
    const change = { address: "aws_s3_bucket_policy.files", actions: ["create"], after: { policy: policy(statement) } };
    expect(permissionsOf([change])).toEqual([
      {
        owner: "aws_s3_bucket_policy.files",
        gained: [
          'Deny all but s3:GetObject on all but arn:x by {"Service":"events.amazonaws.com"} if {"Bool":{"aws:SecureTransport":"false"}}',
        ],
        lost: [],
        ...NOTHING_HARMFUL,
      },
    ]);
  });

  it("tell who may assume a role, what is attached to it, and who may invoke a function", () => {
    expect(
      permissionsOf([
        {
          address: "aws_iam_role.r",
          actions: ["create"],
          after: {
            name: "ring",
            assume_role_policy: policy({ Effect: "Allow", Action: "sts:AssumeRole", Principal: { Service: "lambda" } }),
          },
        },
        {
          address: "aws_iam_role_policy_attachment.a",
          actions: ["create"],
          after: { role: "ring", policy_arn: "arn:aws:iam::aws:policy/ReadOnlyAccess" },
        },
        {
          address: "aws_lambda_permission.p",
          actions: ["create"],
          after: {
            action: "lambda:InvokeFunction",
            function_name: "ring",
            principal: "events",
            source_arn: "arn:rule",
          },
        },
      ]),
    ).toEqual([
      {
        owner: "role ring",
        gained: [
          'Allow sts:AssumeRole by {"Service":"lambda"}',
          "Allow everything in arn:aws:iam::aws:policy/ReadOnlyAccess",
        ],
        lost: [],
        ...NOTHING_HARMFUL,
      },
      {
        owner: "function ring",
        gained: ["Allow lambda:InvokeFunction on ring by events for arn:rule"],
        lost: [],
        ...NOTHING_HARMFUL,
      },
    ]);
  });

  it("are told from how a policy is written where its value is known only after the apply", () => {
    const written = policy(
      allow("sqs:SendMessage", "${aws_sqs_queue.jobs.arn}"),
      allow("s3:GetObject", "${var.files}/*"),
    );
    const change: SampleChange = {
      address: "module.bells.aws_iam_role_policy.ring",
      actions: ["create"],
      after: {},
      after_unknown: { policy: true, role: true },
    };
    const expressions = {
      policy: { constant_value: written },
      role: { constant_value: "${aws_iam_role.ring.id}" },
    };
    const bells = { resources: [{ address: "aws_iam_role_policy.ring", expressions }] };
    const root_module = {
      module_calls: {
        bells: { expressions: { files: { constant_value: "${aws_s3_bucket.files.arn}" } }, module: bells },
      },
    };
    const files = {
      address: "aws_s3_bucket.files",
      mode: "managed",
      type: "aws_s3_bucket",
      values: { arn: "arn:files" },
    };
    const rest = { configuration: { root_module }, planned_values: { root_module: { resources: [files] } } };
    expect(permissionsOf([change], rest)).toEqual([
      {
        owner: "role <module.bells.aws_iam_role.ring.id>",
        gained: ["Allow sqs:SendMessage on <module.bells.aws_sqs_queue.jobs.arn>", "Allow s3:GetObject on arn:files/*"],
        lost: [],
        ...NOTHING_HARMFUL,
      },
    ]);
  });
});
