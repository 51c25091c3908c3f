/** The value of an environment variable together with the permissions to use it. */
export interface Binding {
  readonly value: string;
  /** IAM actions: `dynamodb:Query`. */
  readonly actions: readonly string[];
  /** ARNs. Wildcards only from the list in test/modules/policies.test.ts. */
  readonly resources: readonly string[];
  /** IAM's conditions of the actions, for a part of the resources. @default none */
  readonly condition?: Readonly<Record<string, unknown>>;
  /** ARN of the customer-managed KMS key that encrypts the resources. @default an AWS key */
  readonly encryptionKey?: string;
  /** ARNs of customer-managed KMS keys, for resources that are only read. @default AWS keys */
  readonly decryptionKeys?: readonly string[];
}

/** SNS and SQS require both for encrypted topics and queues. */
const KEY_ACTIONS = ["kms:Decrypt", "kms:GenerateDataKey"];

/** One entry for each variable of a contract's environment: a plain value or a {@link Binding}. */
export type Bindings<E> = { readonly [Name in keyof E]: string | Binding };

export interface Statement {
  readonly Sid: string;
  readonly Effect: "Allow" | "Deny";
  readonly Action: readonly string[] | string;
  /** @default none, in a role's trust policy */
  readonly Resource?: readonly string[] | string;
  readonly Principal?: unknown;
  readonly Condition?: unknown;
}

/** The environment variables of a function. */
export function variablesOf(bindings: Readonly<Record<string, string | Binding>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(bindings).map(([name, binding]) => [name, typeof binding === "string" ? binding : binding.value]),
  );
}

/** The statements of a role. Each has its variable's name as Sid, which explains the permission in a plan. */
export function statementsOf(bindings: Readonly<Record<string, string | Binding>>): Statement[] {
  return Object.entries(bindings).flatMap(([name, binding]) => {
    if (typeof binding === "string") return [];
    const { actions, resources, condition, encryptionKey, decryptionKeys = [] } = binding;
    const allow = { Effect: "Allow" as const };
    return [
      { Sid: sid(name), ...allow, Action: actions, Resource: resources, ...(condition && { Condition: condition }) },
      ...(encryptionKey === undefined
        ? []
        : [{ Sid: `${sid(name)}Key`, ...allow, Action: KEY_ACTIONS, Resource: [encryptionKey] }]),
      ...(decryptionKeys.length === 0
        ? []
        : [{ Sid: `${sid(name)}Keys`, ...allow, Action: ["kms:Decrypt"], Resource: decryptionKeys }]),
    ];
  });
}

/** An IAM policy document. Tokens are allowed: Terraform's JSON syntax interpolates strings. */
export function policy(statements: readonly Statement[]): string {
  const taken = new Set<string>();
  // IAM refuses a Sid twice: a user's variable or state can have the name of one of ours.
  const Statement = statements.map((statement) => ({ ...statement, Sid: freeName(statement.Sid, taken) }));
  return JSON.stringify({ Version: "2012-10-17", Statement });
}

/** `name`, or `name1` where that is taken: taken from now on. */
export function freeName(name: string, taken: Set<string>): string {
  let free = name;
  for (let number = 1; taken.has(free); number += 1) free = `${name}${number}`;
  taken.add(free);
  return free;
}

/** Sids are alphanumeric: HEARTBEATS_TABLE -> HeartbeatsTable, claimRun -> ClaimRun. */
function sid(name: string): string {
  const words = name === name.toUpperCase() ? name.toLowerCase().split("_") : [name];
  return words.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join("");
}
