import { ApiGatewayAccount } from "@cdktf/provider-aws/lib/api-gateway-account";
import { DataAwsPartition } from "@cdktf/provider-aws/lib/data-aws-partition";
import { IamRole } from "@cdktf/provider-aws/lib/iam-role";
import { IamRolePolicyAttachment } from "@cdktf/provider-aws/lib/iam-role-policy-attachment";
import type { ITerraformDependable } from "cdktf";
import { Construct } from "constructs";
import { policy } from "./grants";

export interface ApiGatewayLogsProps {
  /** Of the role: `almanac-staging-api-logs`. */
  readonly name: string;
}

/**
 * Lets API Gateway write access logs. It writes them with one role for the whole account and region, so the environment that came
 * last has the say, and none changes it back: environments that share an account would undo each other's at every apply.
 */
export class ApiGatewayLogs extends Construct {
  /** API stages with access logs can only be made after it. */
  readonly setting: ITerraformDependable;

  constructor(scope: Construct, id: string, props: ApiGatewayLogsProps) {
    super(scope, id);
    const { partition } = new DataAwsPartition(this, "partition");
    const role = new IamRole(this, "role", {
      name: props.name,
      assumeRolePolicy: policy([
        {
          Sid: "ApiGateway",
          Effect: "Allow",
          Principal: { Service: "apigateway.amazonaws.com" },
          Action: "sts:AssumeRole",
        },
      ]),
    });
    // AWS's own policy: API Gateway refuses a role that may do less, whatever it would need.
    const attachment = new IamRolePolicyAttachment(this, "policy", {
      role: role.name,
      policyArn: `arn:${partition}:iam::aws:policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs`,
    });
    this.setting = new ApiGatewayAccount(this, "setting", {
      cloudwatchRoleArn: role.arn,
      dependsOn: [attachment],
      lifecycle: { ignoreChanges: ["cloudwatch_role_arn"] },
    });
  }
}
