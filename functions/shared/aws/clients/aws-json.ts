/** A client for AWS's JSON protocol without an SDK, for the functions that call most often. */
import { createAwsJson, credentialsFrom, type AwsJson, type AwsJsonService } from "../aws-json";
import { systemClock } from "../../clock";
import type { EnvironmentSource } from "../../environment";
import { nodeTransport, type ConnectTransport } from "../transport";

export interface AwsJsonClientOptions {
  readonly service: AwsJsonService;
  /** Concurrent calls. More calls wait. */
  readonly connections: number;
  /** @default Node's client */
  readonly transport?: ConnectTransport;
  /** Limit of a call with its retries, when its deadline is not earlier. @default no limit */
  readonly timeoutMs?: number;
}

/** Region, endpoint and credentials from the same variables as the SDK's clients. */
export function createAwsJsonClient(
  { service, connections, transport = nodeTransport, timeoutMs }: AwsJsonClientOptions,
  environment: EnvironmentSource = process.env,
): AwsJson {
  const region = environment["AWS_REGION"];
  if (!region) throw new Error("AWS_REGION is not set");
  const suffix = region.startsWith("cn-") ? "amazonaws.com.cn" : "amazonaws.com";
  const configured = environment[`AWS_ENDPOINT_URL_${service.toUpperCase()}`] || environment["AWS_ENDPOINT_URL"];
  const endpoint = configured || `https://${service}.${region}.${suffix}`;
  return createAwsJson({
    service,
    endpoint,
    region,
    credentials: credentialsFrom(environment),
    transport: transport(new URL(endpoint), connections),
    clock: systemClock,
    random: Math.random,
    ...(timeoutMs !== undefined && { timeoutMs }),
  });
}
