import { EXCEPTIONS, type Exception } from "./support/least-privilege/exceptions";
import { describeVerdict, judge, type Call, type Deployed, type Statement } from "./support/least-privilege/judge";

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
const ALL_OF_BELLS = [called("dynamodb:PutItem", TABLE), called("dynamodb:Query", INDEX)];

describe("the judge of least privilege", () => {
  it("finds nothing where all that was asked is allowed, and all that is allowed was asked", async () => {
    const verdict = await judge(ALL_OF_BELLS, deployed([BELLS]), []);
    expect(verdict).toEqual({ refused: [], unused: [], stale: [] });
    expect(describeVerdict(verdict)).toEqual([]);
  });

  it.each([
    ["an action", called("dynamodb:DeleteItem", TABLE)],
    ["a resource", called("dynamodb:PutItem", `${TABLE}-of-others`)],
    ["something that AWS does not know", called("dynamodb:RingItem", TABLE)],
  ])("tells of %s that is not allowed", async (_, call) => {
    const verdict = await judge([...ALL_OF_BELLS, call], deployed([BELLS]), []);
    expect(verdict.refused).toEqual([call]);
    expect(describeVerdict(verdict)).toEqual([expect.stringContaining(`ring asked for ${call.action}`)]);
  });

  it("tells of an action, and of a resource, that nothing asked for", async () => {
    const { unused } = await judge([called("dynamodb:PutItem", TABLE)], deployed([BELLS]), []);
    expect(unused).toEqual([
      { role: "ring", statement: "Bells", part: "dynamodb:Query" },
      { role: "ring", statement: "Bells", part: `${TABLE}/index/*` },
    ]);
  });

  it("tells of each action of a statement that nothing needed, whatever others allow", async () => {
    const unneeded = allow("More", ["sqs:SendMessage"], `arn:aws:sqs:${ACCOUNT}:bells`);
    const { unused } = await judge(ALL_OF_BELLS, deployed([BELLS, unneeded]), []);
    expect(unused).toEqual([{ role: "ring", statement: "More", part: "sqs:SendMessage" }]);
  });

  it("accepts what has a reason, and only that", async () => {
    const exception: Exception = { role: /^ring$/, statement: /^Bells$/, part: /^dynamodb:Query$/, because: "..." };
    const { unused, stale } = await judge([called("dynamodb:PutItem", TABLE)], deployed([BELLS]), [exception]);
    expect(unused.map(({ part }) => part)).toEqual([`${TABLE}/index/*`]);
    expect(stale).toEqual([]);
  });

  it("refuses exceptions that nothing needs any more", async () => {
    const exception: Exception = { role: /^ring$/, statement: /^Bells$/, because: "..." };
    const verdict = await judge(ALL_OF_BELLS, deployed([BELLS]), [exception]);
    expect(verdict.stale).toEqual([exception]);
    expect(describeVerdict(verdict)).toEqual([expect.stringContaining("any more")]);
  });

  it("heeds the policies of resources: a key's, which has to allow the account", async () => {
    const decrypt = [allow("Key", ["kms:Decrypt"], KEY)];
    const calls = [called("kms:Decrypt", KEY)];
    expect((await judge(calls, deployed(decrypt), [])).refused).toEqual(calls);
    const account = {
      Version: "2012-10-17",
      Statement: [
        { Effect: "Allow", Principal: { AWS: "arn:aws:iam::000000000000:root" }, Action: "kms:*", Resource: "*" },
      ],
    };
    const withPolicy = deployed(decrypt, { resourcePolicies: new Map([[KEY, account]]) });
    expect((await judge(calls, withPolicy, [])).refused).toEqual([]);
  });

  it("counts what S3 asks KMS for in a caller's name", async () => {
    const bucket = "arn:aws:s3:::bells";
    const { refused } = await judge(
      [called("s3:PutObject", `${bucket}/tune.json`)],
      deployed([allow("Tunes", ["s3:PutObject"], `${bucket}/*`)], { encryptionKeys: new Map([[bucket, KEY]]) }),
      [],
    );
    expect(refused).toEqual([called("kms:GenerateDataKey", KEY)]);
  });

  it("leaves roles alone that are not deployed: those of tests and of other environments", async () => {
    const stranger = called("dynamodb:DeleteItem", TABLE, "somebody");
    expect((await judge([...ALL_OF_BELLS, stranger], deployed([BELLS]), [])).refused).toEqual([]);
  });
});

it("has a reason for every exception", () => {
  for (const { because } of EXCEPTIONS) expect(because.length).toBeGreaterThan(20);
});
