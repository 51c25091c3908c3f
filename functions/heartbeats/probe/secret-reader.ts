/** Reads secrets from SSM, with a cache. */
import { GetParameterCommand, type SSMClient } from "@aws-sdk/client-ssm";

import type { Clock } from "../../shared/clock";
import { errorName } from "../../shared/errors";
import { ExpiringCache } from "../../shared/resilience/expiring-cache";
import { SECOND_MS } from "../../shared/time";
import { HEADER_VALUE } from "../contract";
import { SecretReadError, type ReadSecret } from "./header-secrets";

/** Of a check's time. */
const READ_TIMEOUT_MS = 2_000;

export function secretReader(
  ssm: SSMClient,
  cacheSeconds: number,
  clock: Pick<Clock, "now">,
  timeoutMs = READ_TIMEOUT_MS,
): ReadSecret {
  const cache = new ExpiringCache<string>(cacheSeconds * SECOND_MS, clock);
  return (parameter) => cache.get(parameter, () => readParameter(ssm, parameter, timeoutMs));
}

async function readParameter(ssm: SSMClient, parameter: string, timeoutMs: number): Promise<string> {
  const command = new GetParameterCommand({ Name: parameter, WithDecryption: true });
  const response = await ssm.send(command, { abortSignal: AbortSignal.timeout(timeoutMs) }).catch((error: unknown) => {
    throw new SecretReadError(`the parameter ${parameter} cannot be read (${errorName(error) || "unknown error"})`);
  });
  const value = response.Parameter?.Value ?? "";
  if (value !== "" && HEADER_VALUE.test(value)) return value;
  throw new SecretReadError(`the parameter ${parameter} has no valid header value`);
}
