/**
 * The role with which API Gateway writes access logs: a setting of the account and region. It belongs to no environment, so that
 * destroying one does not end the logs of the others.
 */
import { setTimeout as sleep } from "node:timers/promises";
import {
  APIGatewayClient,
  BadRequestException,
  GetAccountCommand,
  UpdateAccountCommand,
} from "@aws-sdk/client-api-gateway";
import {
  AttachRolePolicyCommand,
  CreateRoleCommand,
  GetRoleCommand,
  IAMClient,
  NoSuchEntityException,
  type Role,
} from "@aws-sdk/client-iam";
import { MINUTE_MS } from "../../functions/shared/time";
import { partitionOf } from "../../modules/synthesized/partition";

/** Roles are global. */
export const API_LOGS_ROLE = "almanac-api-gateway-logs";

/** API Gateway rejects a new role for seconds, until IAM has propagated it. */
const PROPAGATION_MS = MINUTE_MS;
const PAUSE_MS = 3_000;

const TRUST = JSON.stringify({
  Version: "2012-10-17",
  Statement: [{ Effect: "Allow", Principal: { Service: "apigateway.amazonaws.com" }, Action: "sts:AssumeRole" }],
});

export interface ApiLogsPorts {
  readonly apiGateway: APIGatewayClient;
  readonly iam: IAMClient;
  readonly pause: (ms: number) => Promise<unknown>;
}

function apiLogsPorts(region: string): ApiLogsPorts {
  return { apiGateway: new APIGatewayClient({ region }), iam: new IAMClient({ region }), pause: sleep };
}

/**
 * Sets API Gateway's role for access logs, unless an existing role is set. Idempotent.
 */
export async function ensureApiLogsRole(
  region: string,
  ports: ApiLogsPorts = apiLogsPorts(region),
): Promise<{ readonly role: string; readonly set: boolean }> {
  const { apiGateway, iam } = ports;
  const { cloudwatchRoleArn: known } = await apiGateway.send(new GetAccountCommand());
  if (known !== undefined && (await findRole(iam, nameOf(known))) !== undefined)
    return { role: nameOf(known), set: false };

  const arn = (await findRole(iam, API_LOGS_ROLE))?.Arn ?? (await createRole(iam));
  // API Gateway rejects roles with fewer permissions than AWS's managed policy.
  const PolicyArn = `arn:${partitionOf(region)}:iam::aws:policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs`;
  await iam.send(new AttachRolePolicyCommand({ RoleName: API_LOGS_ROLE, PolicyArn }));
  await setRole(arn, ports);
  return { role: API_LOGS_ROLE, set: true };
}

async function findRole(iam: IAMClient, RoleName: string): Promise<Role | undefined> {
  try {
    return (await iam.send(new GetRoleCommand({ RoleName }))).Role;
  } catch (error) {
    if (error instanceof NoSuchEntityException) return undefined;
    throw error;
  }
}

async function createRole(iam: IAMClient): Promise<string | undefined> {
  const { Role: role } = await iam.send(
    new CreateRoleCommand({
      RoleName: API_LOGS_ROLE,
      AssumeRolePolicyDocument: TRUST,
      Description: "Writes access logs of all APIs in the account",
      Tags: [{ Key: "ManagedBy", Value: "almanac" }],
    }),
  );
  return role?.Arn;
}

async function setRole(value: string | undefined, { apiGateway, pause }: ApiLogsPorts): Promise<void> {
  const patchOperations = [{ op: "replace", path: "/cloudwatchRoleArn", value }] as const;
  for (let waited = 0; ; waited += PAUSE_MS) {
    try {
      await apiGateway.send(new UpdateAccountCommand({ patchOperations: [...patchOperations] }));
      return;
    } catch (error) {
      if (!(error instanceof BadRequestException) || waited >= PROPAGATION_MS) throw error;
    }
    await pause(PAUSE_MS);
  }
}

/** `arn:aws:iam::123456789012:role/some/path/name` */
function nameOf(arn: string): string {
  return arn.slice(arn.lastIndexOf("/") + 1);
}
