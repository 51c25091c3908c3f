/** A Lambda function of Node.js: bundle, role, log group, alarms. */
import { basename } from "node:path";
import { CloudwatchLogGroup } from "@cdktf/provider-aws/lib/cloudwatch-log-group";
import { IamRole } from "@cdktf/provider-aws/lib/iam-role";
import { IamRolePolicy } from "@cdktf/provider-aws/lib/iam-role-policy";
import { LambdaFunction } from "@cdktf/provider-aws/lib/lambda-function";
import { LambdaEventSourceMapping } from "@cdktf/provider-aws/lib/lambda-event-source-mapping";
import { LambdaFunctionEventInvokeConfig } from "@cdktf/provider-aws/lib/lambda-function-event-invoke-config";
import { S3Object } from "@cdktf/provider-aws/lib/s3-object";
import { Construct } from "constructs";
import { explain } from "../explain";
import { Alarm } from "./alarm";
import type { AlarmSpec } from "../alarm-spec";
import { zipOf, type HandlerWrapper } from "../bundling/beside-synthesis";
import type { Metric } from "../dashboard";
import type { EventSource } from "./event-source";
import { Feature } from "../feature";
import { policy, statementsOf, variablesOf, type Binding, type Bindings } from "./grants";
import type { DeadLetterQueue } from "./queue";
import { RESOURCE } from "../readable-id";
import { LAMBDA_RUNTIME } from "../versions";

/** 20% cheaper than x86_64 at the same speed for these handlers. */
const ARCHITECTURE = "arm64";

/** Covers last month's incidents. */
const LOG_RETENTION_DAYS = 30;

/** About a quarter of a CPU: handlers mostly wait for I/O. */
const MEMORY_MB = 512;

/** How Lambda retries failed asynchronous invocations. */
export interface EventInvokeConfig {
  /** Receives the event after its last retry. */
  readonly deadLetterQueue: DeadLetterQueue;
  /** Retries one and then two minutes after the failure. */
  readonly retries: 0 | 1 | 2;
  /** Older events are not retried. 60 to 21,600. */
  readonly maxEventAgeSeconds: number;
}

export interface NodeFunctionProps<E> {
  /** Relative to the project: `functions/heartbeats/check.ts`. */
  readonly entry: string;
  /** A function of ours around the handler. @default none */
  readonly wrapper?: HandlerWrapper;
  /** One entry for each variable of the contract: its value and its permission. */
  readonly environment: Bindings<E>;
  /** Further permissions. @default none */
  readonly permissions?: readonly { readonly actions: readonly string[]; readonly resources: readonly string[] }[];
  /** Up to 900; may be a Terraform variable. */
  readonly timeoutSeconds: number;
  /** CPU scales with memory: 1,769 MB is one vCPU. @default 512 */
  readonly memoryMb?: number;
  /** V8's space for new objects, half of it. Larger: fewer collections, more memory. @default V8's own, 16 */
  readonly semiSpaceMb?: number;
  /** libuv threads, for DNS look-ups, files and compression. @default Node.js's four */
  readonly threads?: number;
  /** For asynchronous invocations. @default Lambda's own, without a dead-letter queue */
  readonly eventInvokeConfig?: EventInvokeConfig;
  /** A queue or stream that invokes it. @default none */
  readonly eventSource?: EventSource;
  readonly alarms: { readonly errors: AlarmSpec };
}

/** NODE_OPTIONS of a function. */
export function nodeOptions(semiSpaceMb?: number): string {
  return ["--enable-source-maps", ...(semiSpaceMb === undefined ? [] : [`--max-semi-space-size=${semiSpaceMb}`])].join(
    " ",
  );
}

/** A Lambda function from one handler file, with its bundle, role, log group, X-Ray tracing and errors alarm. */
export class NodeFunction<E extends { readonly [Name in keyof E]: string }> extends Construct {
  readonly name: string;
  readonly arn: string;
  /** For API Gateway integrations. */
  readonly invokeArn: string;

  constructor(scope: Construct, id: string, props: NodeFunctionProps<E>) {
    super(scope, id);
    const feature = Feature.of(this);
    const name = feature.nameOf(this);

    const logs = new CloudwatchLogGroup(this, "log-group", {
      name: `/aws/lambda/${name}`,
      retentionInDays: LOG_RETENTION_DAYS,
    });
    const role = this.createRole(name);
    const permissions = this.createPermissions(role, logs, props);
    const lambda = this.createFunction(feature, name, role, logs, permissions, props);
    if (props.eventInvokeConfig) this.createEventInvokeConfig(lambda, props.eventInvokeConfig, permissions);
    if (props.eventSource) {
      new LambdaEventSourceMapping(this, "event-source", {
        functionName: lambda.functionName,
        ...props.eventSource.mapping,
      });
    }

    this.name = lambda.functionName;
    this.arn = lambda.arn;
    this.invokeArn = lambda.invokeArn;
    new Alarm(this, "errors", { spec: props.alarms.errors, ...this.metric("Errors") });
  }

  /** The function's name with `lambda:InvokeFunction`. */
  grantInvoke(): Binding {
    return { value: this.name, actions: ["lambda:InvokeFunction"], resources: [this.arn] };
  }

  metric(metric: "Duration" | "Errors" | "Invocations" | "IteratorAge" | "Throttles"): Metric {
    return { namespace: "AWS/Lambda", metric, dimensions: { FunctionName: this.name } };
  }

  private createRole(name: string): IamRole {
    return new IamRole(this, "role", {
      name,
      assumeRolePolicy: JSON.stringify({
        Version: "2012-10-17",
        Statement: [
          {
            Effect: "Allow",
            Principal: { Service: "lambda.amazonaws.com" },
            Action: "sts:AssumeRole",
          },
        ],
      }),
    });
  }

  private createPermissions(role: IamRole, logs: CloudwatchLogGroup, props: NodeFunctionProps<E>): IamRolePolicy {
    return new IamRolePolicy(this, "policy", {
      name: "permissions",
      role: role.id,
      policy: policy([
        ...statementsOf(props.environment),
        ...(props.permissions ?? []).map(({ actions, resources }, index) => ({
          Sid: `Extra${index}`,
          Effect: "Allow" as const,
          Action: actions,
          Resource: resources,
        })),
        ...(props.eventInvokeConfig
          ? statementsOf({ DEAD_LETTER_QUEUE: props.eventInvokeConfig.deadLetterQueue.grantSend() })
          : []),
        ...(props.eventSource ? statementsOf(props.eventSource.permissions) : []),
        {
          Sid: "Logs",
          Effect: "Allow",
          Action: ["logs:CreateLogStream", "logs:PutLogEvents"],
          Resource: [`${logs.arn}:*`],
        },
        {
          Sid: "Traces",
          Effect: "Allow",
          Action: ["xray:PutTelemetryRecords", "xray:PutTraceSegments"],
          Resource: ["*"], // X-Ray has no resource-level permissions for these
        },
      ]),
    });
  }

  private createFunction(
    feature: Feature,
    name: string,
    role: IamRole,
    logs: CloudwatchLogGroup,
    permissions: IamRolePolicy,
    props: NodeFunctionProps<E>,
  ): LambdaFunction {
    const zip = feature.addZip(basename(props.entry, ".ts"), this, zipOf(props.entry, props.wrapper));
    const code = new S3Object(this, "code", {
      bucket: feature.deployment.codeBucket,
      key: `${name}.zip`,
      source: zip.filename,
      sourceHash: zip.hash,
      etag: zip.md5,
    });
    explain(code, "With its etag, so that code from another upload shows in a plan.");

    const lambda = new LambdaFunction(this, RESOURCE, {
      functionName: name,
      role: role.arn,
      runtime: LAMBDA_RUNTIME,
      architectures: [ARCHITECTURE],
      handler: "index.handler",
      s3Bucket: code.bucket,
      s3Key: code.key,
      sourceCodeHash: zip.hash,
      timeout: props.timeoutSeconds,
      memorySize: props.memoryMb ?? MEMORY_MB,
      environment: {
        variables: {
          ALMANAC_APP: feature.deployment.app,
          ALMANAC_ENVIRONMENT: feature.deployment.environment,
          NODE_OPTIONS: nodeOptions(props.semiSpaceMb),
          POWERTOOLS_SERVICE_NAME: feature.feature,
          ...(props.threads !== undefined && { UV_THREADPOOL_SIZE: String(props.threads) }),
          ...variablesOf(props.environment),
        },
      },
      tracingConfig: { mode: "Active" },
      loggingConfig: { logFormat: "JSON", logGroup: logs.name },
      dependsOn: [permissions],
    });
    return explain(lambda, "After the permissions of its role, which the first invocations need.");
  }

  private createEventInvokeConfig(lambda: LambdaFunction, props: EventInvokeConfig, permissions: IamRolePolicy): void {
    new LambdaFunctionEventInvokeConfig(this, "event-invoke-config", {
      functionName: lambda.functionName,
      maximumRetryAttempts: props.retries,
      maximumEventAgeInSeconds: props.maxEventAgeSeconds,
      destinationConfig: { onFailure: { destination: props.deadLetterQueue.arn } },
      dependsOn: [permissions],
    });
  }
}
