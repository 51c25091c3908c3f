/** Compares the recorded calls of each role with its policies: no call denied, no permission unused. */
import { runSimulation } from "@cloud-copilot/iam-simulate";
import type { Exception } from "./exceptions";

/** A distinct AWS API call. */
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
  /** Of context keys that the recorded calls do not have: evaluated as if it held. */
  readonly Condition?: Readonly<Record<string, unknown>> | undefined;
}

export interface Deployed {
  /** Statements by role name. */
  readonly roles: ReadonlyMap<string, readonly Statement[]>;
  /** Policies of queues, buckets, topics and keys, by their ARNs. */
  readonly resourcePolicies: ReadonlyMap<string, unknown>;
  /** ARNs of KMS keys, by the ARNs of the buckets and topics that they encrypt. */
  readonly encryptionKeys: ReadonlyMap<string, string>;
}

/** An action or a resource of a statement that no call needed. */
export interface UnusedPermission {
  readonly role: string;
  readonly statement: string;
  /** `dynamodb:PutItem`, or an ARN. */
  readonly part: string;
}

export interface Evaluation {
  readonly denied: readonly Call[];
  readonly unused: readonly UnusedPermission[];
  /** Exceptions that are no longer needed. */
  readonly stale: readonly Exception[];
}

/** @param recorded calls of roles that are not deployed are ignored: those of tests and other environments */
export async function evaluatePermissions(
  recorded: readonly Call[],
  deployed: Deployed,
  exceptions: readonly Exception[],
): Promise<Evaluation> {
  const calls = recorded
    .filter(({ role }) => deployed.roles.has(role))
    .flatMap((call) => [call, ...kmsCalls(call, deployed.encryptionKeys)]);
  const denied: Call[] = [];
  for (const call of calls) if (!(await isAllowed(call, deployed))) denied.push(call);

  const unused = [...deployed.roles].flatMap(([role, statements]) => {
    const ofRole = calls.filter((call) => call.role === role);
    return statements.flatMap((statement) => unusedParts(role, statement, ofRole));
  });
  const covers = ({ role, statement, part }: Exception, permission: UnusedPermission) =>
    role.test(permission.role) &&
    statement.test(permission.statement) &&
    (part === undefined || part.test(permission.part));
  return {
    denied,
    unused: unused.filter((each) => !exceptions.some((exception) => covers(exception, each))),
    stale: exceptions.filter(
      (exception) => exception.isUsedAtTimes !== true && !unused.some((each) => covers(exception, each)),
    ),
  };
}

/** One line per fault, with what to do. */
export function describeEvaluation({ denied, unused, stale }: Evaluation): readonly string[] {
  return [
    ...denied.map(
      ({ role, action, resource }) =>
        `${role} is denied ${action} on ${resource}: grant it in the module, or remove the call`,
    ),
    ...unused.map(
      ({ role, statement, part }) =>
        `${role} never used ${part} (${statement}): remove it, test it, or add an exception with a reason in test/support/least-privilege/exceptions.ts`,
    ),
    ...stale.map(
      ({ role, statement, part }) =>
        `the exception ${[role, statement, part].filter(Boolean).join(" ")} is not needed: remove it from test/support/least-privilege/exceptions.ts`,
    ),
  ];
}

/** The KMS calls that S3 and SNS make for their caller. The emulator does not make them. */
function kmsCalls({ role, action, resource }: Call, keys: Deployed["encryptionKeys"]): readonly Call[] {
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
  const Statement = (deployed.roles.get(role) ?? []).map((statement) => ({
    ...statement,
    Action: statement.Action.map(evaluatedAs),
  }));
  const { resultType, ...result } = await runSimulation(
    {
      request: {
        principal: `arn:aws:sts::${EMULATED_ACCOUNT}:assumed-role/${role}/session`,
        action: evaluatedAs(action),
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
  // An error means that IAM does not define the action or the resource.
  return resultType !== "error" && "overallResult" in result && result.overallResult === "Allowed";
}

/**
 * Actions that AWS authorizes on the state machine of their token, while IAM's reference has no resource for them: evaluated as others
 * that have it, and that no role here has. Source: `StateMachine.grantTaskResponse` of the AWS CDK, and AWS's message of such a denial.
 */
const SEND_TASK: Readonly<Record<string, string>> = {
  "states:SendTaskSuccess": "states:DescribeStateMachine",
  "states:SendTaskFailure": "states:UpdateStateMachine",
};
const evaluatedAs = (action: string) => SEND_TASK[action] ?? action;

const EMULATED_ACCOUNT = "000000000000";

/** The resource whose policy and key apply: for an object its bucket. */
function ownerOf(resource: string): string {
  return resource.startsWith("arn:aws:s3:::") ? (resource.split("/")[0] ?? resource) : resource;
}

/** The actions and resources of a statement that no call needed; only the actions if no call needed the statement. */
function unusedParts(role: string, { Sid: statement, Effect, Action, Resource }: Statement, calls: readonly Call[]) {
  if (Effect === "Deny") return [];
  const covered = calls.filter(
    ({ action, resource }) => Action.some(matches(action)) && Resource.some(matches(resource)),
  );
  const actions = Action.filter((action) => !covered.some((call) => matches(call.action)(action)));
  const resources = Resource.filter((resource) => !covered.some((call) => matches(call.resource)(resource)));
  const parts = covered.length === 0 ? actions : [...actions, ...resources];
  return parts.map((part): UnusedPermission => ({ role, statement, part }));
}

/** Matches policy patterns: * is any text, ? any character. */
function matches(value: string): (pattern: string) => boolean {
  return (pattern) => {
    const source = pattern
      .replace(/[.+^${}()|[\]\\]/g, "\\$&")
      .replaceAll("*", ".*")
      .replaceAll("?", ".");
    return new RegExp(`^${source}$`, "s").test(value);
  };
}
