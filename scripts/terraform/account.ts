/** Refuses credentials of an account that is not the environment's, before anything is read or created there. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import * as z from "zod";
import { callersAccount } from "../shared/aws/callers-account";
import { fieldsOf } from "../shared/fields";
import { awsSettingsOf, readStateBackend } from "./state-bucket";

/** The credentials are another account's. Terraform refuses it too, but after its state bucket was created there. */
class WrongAccountError extends Error {
  override readonly name = "WrongAccountError";
}

/** None where the argument is an expression, which Terraform evaluates. */
const accountsSchema = z.array(z.string()).catch([]);

/**
 * Asks for the account only where main.ts names one.
 *
 * @throws WrongAccountError
 */
export async function requireAccount(stackDirectory: string): Promise<void> {
  const stack: unknown = JSON.parse(await readFile(join(stackDirectory, "cdk.tf.json"), "utf8"));
  // A block, or a list of them.
  const providers = [fieldsOf(fieldsOf(stack)["provider"])["aws"]].flat();
  const allowed = providers.flatMap((provider) => accountsSchema.parse(fieldsOf(provider)["allowed_account_ids"]));
  if (allowed.length === 0) return;
  const account = await callersAccount(awsSettingsOf(await readStateBackend(stackDirectory)));
  if (account !== undefined && allowed.includes(account)) return;
  throw new WrongAccountError(
    `The AWS credentials are of the account ${account ?? "unknown"}, and main.ts names ${allowed.join(", ")}. Nothing was changed. Choose others: AWS_PROFILE`,
  );
}
