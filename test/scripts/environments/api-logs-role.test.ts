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
} from "@aws-sdk/client-iam";
import { mockClient } from "aws-sdk-client-mock";
import { API_LOGS_ROLE, ensureApiLogsRole } from "../../../scripts/environments/api-logs-role";

const apiGateway = mockClient(APIGatewayClient);
const iam = mockClient(IAMClient);
const pauses: number[] = [];
const ensure = () =>
  ensureApiLogsRole("eu-central-1", {
    apiGateway: new APIGatewayClient({ region: "eu-central-1" }),
    iam: new IAMClient({ region: "eu-central-1" }),
    pause: (ms) => Promise.resolve(pauses.push(ms)),
  });

const arnOf = (name: string) => `arn:aws:iam::123456789012:role/service-role/${name}`;
const missing = new NoSuchEntityException({ message: "no such role", $metadata: {} });
const refused = new BadRequestException({ message: "The role ARN does not have required permissions", $metadata: {} });

beforeEach(() => {
  apiGateway.reset();
  iam.reset();
  pauses.length = 0;
  apiGateway.on(GetAccountCommand).resolves({});
  apiGateway.on(UpdateAccountCommand).resolves({});
  iam.on(GetRoleCommand).rejects(missing);
  iam.on(CreateRoleCommand).resolves({ Role: { Arn: arnOf(API_LOGS_ROLE) } as never });
  iam.on(AttachRolePolicyCommand).resolves({});
});

describe("API Gateway's role for access logs", () => {
  it("is made and set where the account has none", async () => {
    await expect(ensure()).resolves.toEqual({ role: API_LOGS_ROLE, set: true });
    expect(iam.commandCalls(AttachRolePolicyCommand)[0]?.args[0].input).toEqual({
      RoleName: API_LOGS_ROLE,
      PolicyArn: "arn:aws:iam::aws:policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs",
    });
    expect(apiGateway.commandCalls(UpdateAccountCommand)[0]?.args[0].input).toEqual({
      patchOperations: [{ op: "replace", path: "/cloudwatchRoleArn", value: arnOf(API_LOGS_ROLE) }],
    });
  });

  it("is left alone where somebody has set one", async () => {
    apiGateway.on(GetAccountCommand).resolves({ cloudwatchRoleArn: arnOf("theirs") });
    iam.on(GetRoleCommand, { RoleName: "theirs" }).resolves({ Role: { Arn: arnOf("theirs") } as never });
    await expect(ensure()).resolves.toEqual({ role: "theirs", set: false });
    expect(iam.commandCalls(CreateRoleCommand)).toHaveLength(0);
    expect(apiGateway.commandCalls(UpdateAccountCommand)).toHaveLength(0);
  });

  it("is set anew where the one that was set is gone", async () => {
    apiGateway.on(GetAccountCommand).resolves({ cloudwatchRoleArn: arnOf("gone") });
    await expect(ensure()).resolves.toEqual({ role: API_LOGS_ROLE, set: true });
  });

  it("is the same in a second region", async () => {
    iam.on(GetRoleCommand, { RoleName: API_LOGS_ROLE }).resolves({ Role: { Arn: arnOf(API_LOGS_ROLE) } as never });
    await expect(ensure()).resolves.toEqual({ role: API_LOGS_ROLE, set: true });
    expect(iam.commandCalls(CreateRoleCommand)).toHaveLength(0);
  });

  it("is offered again while API Gateway does not know it yet", async () => {
    apiGateway.on(UpdateAccountCommand).rejectsOnce(refused).rejectsOnce(refused).resolves({});
    await expect(ensure()).resolves.toEqual({ role: API_LOGS_ROLE, set: true });
    expect(pauses).toHaveLength(2);
  });

  it("is not offered for ever", async () => {
    apiGateway.on(UpdateAccountCommand).rejects(refused);
    await expect(ensure()).rejects.toThrow("required permissions");
    expect(pauses.reduce((sum, ms) => sum + ms, 0)).toBe(60_000);
  });
});
