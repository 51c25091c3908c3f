/** A schedule's secrets: SSM parameters (SecureString). */
import * as z from "zod";

import type { AwsJson } from "../../shared/aws/aws-json";
import { parseInput, parseJson } from "../../shared/input";
import { ownValue } from "../../shared/own-value";

/** The schedule has no such secret. */
export class UnknownSecretError extends Error {
  override readonly name = "UnknownSecretError";
}

const responseSchema = z.object({ Parameter: z.object({ Value: z.string() }) });

/**
 * @param parameters names of SSM parameters by the names of secrets
 * @param deadline epoch milliseconds
 * @throws {@link UnknownSecretError}, and SSM's errors
 */
export async function readSecret(
  name: string,
  parameters: Readonly<Record<string, string>>,
  ssm: Pick<AwsJson, "call">,
  deadline: number,
): Promise<string> {
  const Name = ownValue(parameters, name);
  if (Name === undefined) {
    const known = Object.keys(parameters).join(", ");
    throw new UnknownSecretError(`the schedule has no secret ${name}; it has ${known === "" ? "none" : known}`);
  }
  const body = JSON.stringify({ Name, WithDecryption: true });
  const response = parseJson(await ssm.call("AmazonSSM.GetParameter", body, deadline));
  return parseInput(responseSchema, response).Parameter.Value;
}
