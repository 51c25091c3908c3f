/** A webhook's secrets from its SSM parameter (SecureString). */
import { GetParameterCommand, type SSMClient } from "@aws-sdk/client-ssm";

import { awsHttpError } from "../../shared/aws/aws-errors";
import type { Clock } from "../../shared/clock";
import { ExpiringCache } from "../../shared/resilience/expiring-cache";
import { UnavailableError } from "../../shared/handlers/http-errors";
import { HOUR_MS, MINUTE_MS } from "../../shared/time";

/** How long a new secret is not yet accepted, and an old one still is. Requests with wrong signatures must not cause reads. */
const CACHE_MS = MINUTE_MS;

/** Some senders do not retry: while SSM is throttled or away, the secrets of before count. */
const STALE = {
  maxAgeMs: HOUR_MS,
  isTemporary: (error: unknown) => error instanceof UnavailableError && awsHttpError(error.cause) !== undefined,
};

/**
 * One secret a line: while one is rotated, the parameter has both.
 *
 * @throws {@link UnavailableError} so that the sender retries
 */
export function secretReader(ssm: SSMClient, parameter: string, clock: Clock): () => Promise<readonly string[]> {
  const cache = new ExpiringCache<readonly string[]>(CACHE_MS, clock, STALE);
  return () => cache.get(parameter, () => readSecrets(ssm, parameter));
}

async function readSecrets(ssm: SSMClient, Name: string): Promise<readonly string[]> {
  try {
    const { Parameter } = await ssm.send(new GetParameterCommand({ Name, WithDecryption: true }));
    const secrets = (Parameter?.Value ?? "").split("\n").map((line) => line.trim());
    const found = secrets.filter((secret) => secret !== "");
    if (found.length > 0) return found;
  } catch (cause) {
    throw new UnavailableError("the webhook's secret cannot be read", { cause });
  }
  // 401 would make senders give up.
  throw new UnavailableError("the webhook's parameter has no secret");
}
