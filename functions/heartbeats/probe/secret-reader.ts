/** Secrets from SSM: read when they are needed, and held no longer than for a round. */
import { GetParameterCommand, type SSMClient } from "@aws-sdk/client-ssm";

import type { Clock } from "../../shared/clock";
import { errorName } from "../../shared/errors";
import { HEADER_VALUE } from "../contract";
import { SecretReadError, type ReadSecret } from "./header-secrets";

const READ_TIMEOUT_MS = 2_000;

/** Reads each parameter once for all who ask at a time, and anew after `keptSeconds`. A failure is not kept. */
export function secretReader(ssm: SSMClient, keptSeconds: number, clock: Pick<Clock, "now">): ReadSecret {
  const known = new Map<string, { readonly value: Promise<string>; readonly until: number }>();
  return async (parameter) => {
    let entry = known.get(parameter);
    if (entry === undefined || clock.now() >= entry.until) {
      entry = { value: readParameter(ssm, parameter), until: clock.now() + keptSeconds * 1_000 };
      known.set(parameter, entry);
    }
    try {
      return await entry.value;
    } catch (error) {
      if (known.get(parameter) === entry) known.delete(parameter);
      throw error;
    }
  };
}

async function readParameter(ssm: SSMClient, parameter: string): Promise<string> {
  const command = new GetParameterCommand({ Name: parameter, WithDecryption: true });
  const answer = await ssm
    .send(command, { abortSignal: AbortSignal.timeout(READ_TIMEOUT_MS) })
    .catch((error: unknown) => {
      throw new SecretReadError(
        `the parameter ${parameter} cannot be read (${errorName(error) || "unknown error"})`,
      );
    });
  const value = answer.Parameter?.Value ?? "";
  if (value !== "" && HEADER_VALUE.test(value)) return value;
  throw new SecretReadError(`the parameter ${parameter} holds no text that a header may have`);
}
