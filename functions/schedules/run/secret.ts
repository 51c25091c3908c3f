/** A schedule's secrets: SSM parameters (SecureString). */

/** The schedule has no such secret. */
export class UnknownSecretError extends Error {
  override readonly name = "UnknownSecretError";
}

/**
 * @param parameters names of SSM parameters by the names of secrets
 * @throws {@link UnknownSecretError}, and SSM's errors
 */
export async function readSecret(name: string, parameters: Readonly<Record<string, string>> = {}): Promise<string> {
  const Name = Object.hasOwn(parameters, name) ? parameters[name] : undefined;
  if (Name === undefined) {
    const known = Object.keys(parameters).join(", ");
    throw new UnknownSecretError(`the schedule has no secret ${name}; it has ${known === "" ? "none" : known}`);
  }
  // Loaded when it is needed: most functions have no secret.
  const [{ GetParameterCommand }, { createSsm }] = await Promise.all([
    import("@aws-sdk/client-ssm"),
    import("../../shared/aws/clients/ssm.ts"),
  ]);
  const { Parameter } = await createSsm().send(new GetParameterCommand({ Name, WithDecryption: true }));
  if (Parameter?.Value === undefined) throw new Error(`the parameter ${Name} has no value`);
  return Parameter.Value;
}
