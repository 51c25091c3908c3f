/** Reads secrets from SSM, with a cache. */
import { GetParameterCommand, type SSMClient } from "@aws-sdk/client-ssm";

import type { Clock } from "../../shared/clock";
import { errorName } from "../../shared/errors";
import { HEADER_VALUE } from "../contract";
import { SecretReadError, type ReadSecret } from "./header-secrets";

const READ_TIMEOUT_MS = 2_000;

/** Concurrent reads of a parameter share one request. Failures are not cached. */
export function secretReader(ssm: SSMClient, cacheSeconds: number, clock: Pick<Clock, "now">): ReadSecret {
  const cache = new Map<string, { readonly value: Promise<string>; readonly expiresAt: number }>();
  return async (parameter) => {
    let entry = cache.get(parameter);
    if (entry === undefined || clock.now() >= entry.expiresAt) {
      entry = { value: readParameter(ssm, parameter), expiresAt: clock.now() + cacheSeconds * 1_000 };
      cache.set(parameter, entry);
    }
    try {
      return await entry.value;
    } catch (error) {
      if (cache.get(parameter) === entry) cache.delete(parameter);
      throw error;
    }
  };
}

async function readParameter(ssm: SSMClient, parameter: string): Promise<string> {
  const command = new GetParameterCommand({ Name: parameter, WithDecryption: true });
  const response = await ssm
    .send(command, { abortSignal: AbortSignal.timeout(READ_TIMEOUT_MS) })
    .catch((error: unknown) => {
      throw new SecretReadError(`the parameter ${parameter} cannot be read (${errorName(error) || "unknown error"})`);
    });
  const value = response.Parameter?.Value ?? "";
  if (value !== "" && HEADER_VALUE.test(value)) return value;
  throw new SecretReadError(`the parameter ${parameter} has no valid header value`);
}
