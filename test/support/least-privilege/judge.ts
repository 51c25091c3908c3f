/** Holds what was asked of AWS under each role against what the role allows: nothing refused, nothing allowed in vain. */
import { runSimulation } from "@cloud-copilot/iam-simulate";
import type { Exception } from "./exceptions";

/** What was asked of AWS, once or often. */
export interface Call {
  /** The name of the role. */
  readonly role: string;
  /** `dynamodb:PutItem` */
  readonly action: string;
  /** An ARN. */
  readonly resource: string;
}

export interface Statement {
  readonly Sid: string;
  readonly Effect: "Allow" | "Deny";
  readonly Action: readonly string[];
  readonly Resource: readonly string[];
}

export interface Deployed {
  /** What each role allows, by the role's name. */
  readonly roles: ReadonlyMap<string, readonly Statement[]>;
  /** The policies of queues, buckets, topics and keys, by their ARNs. */
  readonly resourcePolicies: ReadonlyMap<string, unknown>;
  /** The KMS keys, as ARNs, that buckets and topics are encrypted with, by the ARNs of those. */
  readonly encryptionKeys: ReadonlyMap<string, string>;
}

/** An action or a resource of a statement that no call needed. */
export interface Unused {
  readonly role: string;
  readonly statement: string;
  /** `dynamodb:PutItem`, or an ARN. */
  readonly part: string;
}

export interface Verdict {
  readonly refused: readonly Call[];
  readonly unused: readonly Unused[];
  /** Exceptions that nothing needs any more. */
  readonly stale: readonly Exception[];
}

/** @param recorded roles that are not among the deployed ones are left out: those of tests, and of other environments */
export async function judge(
  recorded: readonly Call[],
  deployed: Deployed,
  exceptions: readonly Exception[],
): Promise<Verdict> {
  const calls = recorded
    .filter(({ role }) => deployed.roles.has(role))
    .flatMap((call) => [call, ...askedOfKms(call, deployed.encryptionKeys)]);
  const refused: Call[] = [];
  for (const call of calls) if (!(await isAllowed(call, deployed))) refused.push(call);

  const unused = [...deployed.roles].flatMap(([role, statements]) => {
    const ofRole = calls.filter((call) => call.role === role);
    return statements.flatMap((statement) => unusedParts(role, statement, ofRole));
  });
  const excuses = ({ role, statement, part }: Exception, { role: of, statement: sid, part: what }: Unused) =>
    role.test(of) && statement.test(sid) && (part === undefined || part.test(what));
  return {
    refused,
    unused: unused.filter((each) => !exceptions.some((exception) => excuses(exception, each))),
    stale: exceptions.filter((exception) => !unused.some((each) => excuses(exception, each))),
  };
}

/** One line for each fault, that says what to do. */
export function describeVerdict({ refused, unused, stale }: Verdict): readonly string[] {
  return [
    ...refused.map(
      ({ role, action, resource }) =>
        `${role} asked for ${action} on ${resource}, which it is not allowed: allow it in its module, or do not ask`,
    ),
    ...unused.map(
      ({ role, statement, part }) =>
        `${role} is allowed ${part} (${statement}), which it never asked for: take it away, or test what needs it, or give the reason in test/support/least-privilege/exceptions.ts`,
    ),
    ...stale.map(
      ({ role, statement, part }) =>
        `nothing needs the exception ${[role, statement, part].filter(Boolean).join(" ")} any more: take it out of test/support/least-privilege/exceptions.ts`,
    ),
  ];
}

/** S3 and SNS ask KMS in the name of who calls them; the emulator's do not. */
function askedOfKms({ role, action, resource }: Call, keys: Deployed["encryptionKeys"]): readonly Call[] {
  const key = keys.get(ownerOf(resource));
  const kms = KMS_CALLS[action];
  return key === undefined || kms === undefined ? [] : kms.map((each) => ({ role, action: each, resource: key }));
}

/** Sources: https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html, .../sns/latest/dg/sns-key-management.html */
const KMS_CALLS: Readonly<Record<string, readonly string[]>> = {
  "s3:GetObject": ["kms:Decrypt"],
  "s3:PutObject": ["kms:GenerateDataKey"],
  "sns:Publish": ["kms:Decrypt", "kms:GenerateDataKey"],
};

async function isAllowed({ role, action, resource }: Call, deployed: Deployed): Promise<boolean> {
  const resourcePolicy = deployed.resourcePolicies.get(ownerOf(resource));
  const accountId = resource.split(":")[4] || EMULATED_ACCOUNT;
  const Statement = deployed.roles.get(role) ?? [];
  const { resultType, ...result } = await runSimulation(
    {
      request: {
        principal: `arn:aws:sts::${EMULATED_ACCOUNT}:assumed-role/${role}/session`,
        action,
        resource: { resource, accountId },
        contextVariables: { "aws:SecureTransport": "true" },
      },
      identityPolicies: [{ name: role, policy: { Version: "2012-10-17", Statement } }],
      serviceControlPolicies: [],
      resourceControlPolicies: [],
      ...(resourcePolicy !== undefined && { resourcePolicy }),
    },
    {},
  );
  // An error: the action or the resource is nothing that AWS knows.
  return resultType !== "error" && "overallResult" in result && result.overallResult === "Allowed";
}

const EMULATED_ACCOUNT = "000000000000";

/** Of an object, its bucket. */
function ownerOf(resource: string): string {
  return resource.startsWith("arn:aws:s3:::") ? (resource.split("/")[0] ?? resource) : resource;
}

/** Of a statement that no call needed, its actions; of others, what of their actions and resources none needed. */
function unusedParts(role: string, { Sid: statement, Effect, Action, Resource }: Statement, calls: readonly Call[]) {
  if (Effect === "Deny") return [];
  const covered = calls.filter(
    ({ action, resource }) => Action.some(matches(action)) && Resource.some(matches(resource)),
  );
  const actions = Action.filter((action) => !covered.some((call) => matches(call.action)(action)));
  const resources = Resource.filter((resource) => !covered.some((call) => matches(call.resource)(resource)));
  const parts = covered.length === 0 ? actions : [...actions, ...resources];
  return parts.map((part): Unused => ({ role, statement, part }));
}

/** Whether a pattern of a policy, in which * is any text and ? any character, fits a value. */
function matches(value: string): (pattern: string) => boolean {
  return (pattern) => {
    const source = pattern
      .replace(/[.+^${}()|[\]\\]/g, "\\$&")
      .replaceAll("*", ".*")
      .replaceAll("?", ".");
    return new RegExp(`^${source}$`, "s").test(value);
  };
}
