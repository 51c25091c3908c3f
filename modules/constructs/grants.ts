/**
 * Bind, don't stitch: what a function gets in an environment variable and what it may do with it come as one thing.
 */

/** A value for an environment variable, and the permission that makes it useful. */
export interface Binding {
  readonly value: string;
  /** IAM actions: `dynamodb:Query`. */
  readonly actions: readonly string[];
  /** ARNs, exact but for what stands in the test's list of allowed wildcards. */
  readonly resources: readonly string[];
  /** ARN of the KMS key that what is reached is encrypted with, where that is one of our own. */
  readonly encryptionKey?: string;
  /** ARNs of KMS keys that what is read is encrypted with. @default none of one's own */
  readonly decryptionKeys?: readonly string[];
}

/** What it takes to write to, and to read from, something encrypted: SNS and SQS ask for both. */
const KEY_ACTIONS = ["kms:Decrypt", "kms:GenerateDataKey"];

/** One entry for each variable of a contract's environment: a plain value, or a {@link Binding}. Leaving one out does not compile. */
export type Bindings<E> = { readonly [Name in keyof E]: string | Binding };

/** A statement of an IAM policy. */
export interface Statement {
  readonly Sid: string;
  readonly Effect: "Allow" | "Deny";
  readonly Action: readonly string[] | string;
  /** Of every policy but a role's own. */
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

/** The statements of a function's role. Each carries its variable's name, so that a plan says what a permission is for. */
export function statementsOf(bindings: Readonly<Record<string, string | Binding>>): Statement[] {
  return Object.entries(bindings).flatMap(([name, binding]) => {
    if (typeof binding === "string") return [];
    const { actions, resources, encryptionKey, decryptionKeys = [] } = binding;
    const allow = { Effect: "Allow" as const };
    return [
      { Sid: sid(name), ...allow, Action: actions, Resource: resources },
      ...(encryptionKey === undefined
        ? []
        : [{ Sid: `${sid(name)}Key`, ...allow, Action: KEY_ACTIONS, Resource: [encryptionKey] }]),
      ...(decryptionKeys.length === 0
        ? []
        : [{ Sid: `${sid(name)}Keys`, ...allow, Action: ["kms:Decrypt"], Resource: decryptionKeys }]),
    ];
  });
}

/** An IAM policy document. Tokens in it survive: Terraform's JSON syntax takes interpolations in strings. */
export function policy(statements: readonly Statement[]): string {
  return JSON.stringify({ Version: "2012-10-17", Statement: statements });
}

/** Sids take letters and digits only: HEARTBEATS_TABLE -> HeartbeatsTable, claimRun -> ClaimRun. */
function sid(name: string): string {
  const words = name === name.toUpperCase() ? name.toLowerCase().split("_") : [name];
  return words.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join("");
}
