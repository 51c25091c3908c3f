import { createAwsJson, credentialsFrom, type AwsJson } from "../aws-json";
import { systemClock } from "../../clock";
import type { EnvironmentSource } from "../../environment";
import { nodeTransport, type ConnectTransport } from "../transport";

export interface AwsJsonChoice {
  readonly service: "dynamodb" | "sqs";
  /** Calls at a time; further ones wait. */
  readonly connections: number;
  /** @default Node's own */
  readonly transport?: ConnectTransport;
}

/** Where and who as the SDK's clients have it from Lambda's environment; an emulator's endpoint, too. */
export function createAwsJsonClient(
  { service, connections, transport = nodeTransport }: AwsJsonChoice,
  environment: EnvironmentSource = process.env,
): AwsJson {
  const region = environment["AWS_REGION"];
  if (!region) throw new Error("AWS_REGION is not set");
  const suffix = region.startsWith("cn-") ? "amazonaws.com.cn" : "amazonaws.com";
  const given = environment[`AWS_ENDPOINT_URL_${service.toUpperCase()}`] || environment["AWS_ENDPOINT_URL"];
  const endpoint = given || `https://${service}.${region}.${suffix}`;
  return createAwsJson({
    service,
    endpoint,
    region,
    credentials: credentialsFrom(environment),
    transport: transport(new URL(endpoint), connections),
    clock: systemClock,
    random: Math.random,
  });
}
