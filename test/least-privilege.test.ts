import { EXCEPTIONS, type Exception } from "./support/least-privilege/exceptions";
import {
  describeEvaluation,
  evaluatePermissions,
  type Call,
  type Deployed,
  type Statement,
} from "./support/least-privilege/evaluate";

const ACCOUNT = "eu-central-1:000000000000";
const TABLE = `arn:aws:dynamodb:${ACCOUNT}:table/bells`;
const INDEX = `${TABLE}/index/byTone`;
const KEY = `arn:aws:kms:${ACCOUNT}:key/0aaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee`;

const allow = (Sid: string, Action: readonly string[], ...Resource: readonly string[]): Statement => ({
  Sid,
  Effect: "Allow",
  Action,
  Resource,
});
const called = (action: string, resource: string, role = "ring"): Call => ({ role, action, resource });

/** One role, `ring`. */
const deployed = (statements: readonly Statement[], more: Partial<Deployed> = {}): Deployed => ({
  roles: new Map([["ring", statements]]),
  resourcePolicies: new Map(),
  encryptionKeys: new Map(),
  ...more,
});

const BELLS = allow("Bells", ["dynamodb:PutItem", "dynamodb:Query"], TABLE, `${TABLE}/index/*`);
const ALL_CALLS = [called("dynamodb:PutItem", TABLE), called("dynamodb:Query", INDEX)];

describe("the evaluation of permissions", () => {
  it("finds nothing if every call is allowed and every permission is used", async () => {
    const evaluation = await evaluatePermissions(ALL_CALLS, deployed([BELLS]), []);
    expect(evaluation).toEqual({ denied: [], unused: [], stale: [] });
    expect(describeEvaluation(evaluation)).toEqual([]);
  });

  it.each([
    ["an action", called("dynamodb:DeleteItem", TABLE)],
    ["a resource", called("dynamodb:PutItem", `${TABLE}-of-others`)],
    ["something that AWS does not know", called("dynamodb:RingItem", TABLE)],
  ])("reports %s that is not allowed", async (_, call) => {
    const evaluation = await evaluatePermissions([...ALL_CALLS, call], deployed([BELLS]), []);
    expect(evaluation.denied).toEqual([call]);
    expect(describeEvaluation(evaluation)).toEqual([expect.stringContaining(`ring is denied ${call.action}`)]);
  });

  it("evaluates the end of a waiting task on its state machine, as AWS does", async () => {
    const machine = `arn:aws:states:${ACCOUNT}:stateMachine:bells`;
    const statement = allow("Machine", ["states:SendTaskSuccess", "states:StartExecution"], machine);
    const calls = [called("states:SendTaskSuccess", machine), called("states:StartExecution", machine)];
    expect(await evaluatePermissions(calls, deployed([statement]), [])).toMatchObject({ denied: [], unused: [] });
    const others = [
      called("states:SendTaskFailure", machine),
      called("states:SendTaskSuccess", `${machine}-of-others`),
    ];
    expect(await evaluatePermissions([...calls, ...others], deployed([statement]), [])).toMatchObject({
      denied: others,
    });
  });

  it("reports an action, and a resource, that no call used", async () => {
    const { unused } = await evaluatePermissions([called("dynamodb:PutItem", TABLE)], deployed([BELLS]), []);
    expect(unused).toEqual([
      { role: "ring", statement: "Bells", part: "dynamodb:Query" },
      { role: "ring", statement: "Bells", part: `${TABLE}/index/*` },
    ]);
  });

  it("reports each action of an unused statement, whatever other statements allow", async () => {
    const unneeded = allow("More", ["sqs:SendMessage"], `arn:aws:sqs:${ACCOUNT}:bells`);
    const { unused } = await evaluatePermissions(ALL_CALLS, deployed([BELLS, unneeded]), []);
    expect(unused).toEqual([{ role: "ring", statement: "More", part: "sqs:SendMessage" }]);
  });

  it("accepts what has a reason, and only that", async () => {
    const exception: Exception = { role: /^ring$/, statement: /^Bells$/, part: /^dynamodb:Query$/, because: "..." };
    const { unused, stale } = await evaluatePermissions([called("dynamodb:PutItem", TABLE)], deployed([BELLS]), [
      exception,
    ]);
    expect(unused.map(({ part }) => part)).toEqual([`${TABLE}/index/*`]);
    expect(stale).toEqual([]);
  });

  it("refuses exceptions that are no longer needed", async () => {
    const exception: Exception = { role: /^ring$/, statement: /^Bells$/, because: "..." };
    const evaluation = await evaluatePermissions(ALL_CALLS, deployed([BELLS]), [exception]);
    expect(evaluation.stale).toEqual([exception]);
    expect(describeEvaluation(evaluation)).toEqual([expect.stringContaining("is not needed")]);
    const race = { ...exception, isUsedAtTimes: true };
    expect((await evaluatePermissions(ALL_CALLS, deployed([BELLS]), [race])).stale).toEqual([]);
  });

  it("applies resource policies: a key's, which has to allow the account", async () => {
    const decrypt = [allow("Key", ["kms:Decrypt"], KEY)];
    const calls = [called("kms:Decrypt", KEY)];
    expect((await evaluatePermissions(calls, deployed(decrypt), [])).denied).toEqual(calls);
    const account = {
      Version: "2012-10-17",
      Statement: [
        { Effect: "Allow", Principal: { AWS: "arn:aws:iam::000000000000:root" }, Action: "kms:*", Resource: "*" },
      ],
    };
    const withPolicy = deployed(decrypt, { resourcePolicies: new Map([[KEY, account]]) });
    expect((await evaluatePermissions(calls, withPolicy, [])).denied).toEqual([]);
  });

  it("counts the calls that S3 makes to KMS for its caller", async () => {
    const bucket = "arn:aws:s3:::bells";
    const { denied } = await evaluatePermissions(
      [called("s3:PutObject", `${bucket}/tune.json`)],
      deployed([allow("Tunes", ["s3:PutObject"], `${bucket}/*`)], { encryptionKeys: new Map([[bucket, KEY]]) }),
      [],
    );
    expect(denied).toEqual([called("kms:GenerateDataKey", KEY)]);
  });

  it("ignores roles that are not deployed: those of tests and of other environments", async () => {
    const stranger = called("dynamodb:DeleteItem", TABLE, "somebody");
    expect((await evaluatePermissions([...ALL_CALLS, stranger], deployed([BELLS]), [])).denied).toEqual([]);
  });
});

it("has a reason for every exception", () => {
  for (const { because } of EXCEPTIONS) expect(because.length).toBeGreaterThan(20);
});
