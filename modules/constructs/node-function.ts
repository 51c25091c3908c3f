import { basename } from "node:path";
import { CloudwatchLogGroup } from "@cdktf/provider-aws/lib/cloudwatch-log-group";
import { IamRole } from "@cdktf/provider-aws/lib/iam-role";
import { IamRolePolicy } from "@cdktf/provider-aws/lib/iam-role-policy";
import { LambdaFunction } from "@cdktf/provider-aws/lib/lambda-function";
import { LambdaEventSourceMapping } from "@cdktf/provider-aws/lib/lambda-event-source-mapping";
import { LambdaFunctionEventInvokeConfig } from "@cdktf/provider-aws/lib/lambda-function-event-invoke-config";
import { S3Object } from "@cdktf/provider-aws/lib/s3-object";
import { Construct } from "constructs";
import { Alarm, type AlarmText } from "./alarm";
import { bundleOf } from "./bundle";
import type { Metric } from "./dashboard";
import type { EventSource } from "./event-source";
import { Feature } from "./feature";
import { policy, statementsOf, variablesOf, type Binding, type Bindings } from "./grants";
import type { DeadLetterQueue } from "./queue";
import { RESOURCE } from "./readable-id";
import { LAMBDA_RUNTIME } from "./versions";

/** A fifth cheaper than x86_64, and as fast for what handlers do. */
const ARCHITECTURE = "arm64";

/** Long enough to look into last month's incident. */
const LOG_RETENTION_DAYS = 30;

/** A quarter of a CPU: waiting is most of what handlers do. */
export const MEMORY_MB = 512;

/** What happens to an event that fails when nobody waits for the answer. */
export interface Asynchronous {
  /** Where the event goes after its last retry. */
  readonly deadLetters: DeadLetterQueue;
  /** Further tries after the first, a minute and then two apart: 0 to 2. */
  readonly retries: 0 | 1 | 2;
  /** An event older than this is not tried again. 60 s to 6 h. */
  readonly maxEventAgeSeconds: number;
}

export interface NodeFunctionProps<E> {
  /** Relative to the project: `functions/heartbeats/check.ts`. */
  readonly entry: string;
  /** One entry for each variable of the contract: its value and, with it, its permission. */
  readonly environment: Bindings<E>;
  /** What else it may do. @default nothing */
  readonly permissions?: readonly { readonly actions: readonly string[]; readonly resources: readonly string[] }[];
  /** A number, or a variable of the module. Lambda's most is 900. */
  readonly timeoutSeconds: number;
  /** CPU comes with memory: 1,769 MB is one whole. @default 512 */
  readonly memoryMb?: number;
  /** Threads for what Node does not do by itself: name look-ups, files, compression. @default Node's four */
  readonly threads?: number;
  /** For functions that are invoked asynchronously: by schedules, S3, SNS. */
  readonly asynchronous?: Asynchronous;
  /** For functions that Lambda feeds from a queue or a stream. */
  readonly source?: EventSource;
  readonly alarms: { readonly errors: AlarmText };
}

/** A Lambda function from one handler file: its bundle, role, log group, X-Ray traces, dead-letter path and alarms. */
export class NodeFunction<E extends { readonly [Name in keyof E]: string }> extends Construct {
  readonly name: string;
  readonly arn: string;
  /** What API Gateway calls it by. */
  readonly invokeArn: string;

  constructor(scope: Construct, id: string, props: NodeFunctionProps<E>) {
    super(scope, id);
    const feature = Feature.of(this);
    const name = feature.physicalName(id);

    const logs = new CloudwatchLogGroup(this, "logs", {
      name: `/aws/lambda/${name}`,
      retentionInDays: LOG_RETENTION_DAYS,
    });
    const role = this.createRole(name);
    const permissions = this.createPermissions(role, logs, props);
    const lambda = this.createFunction(feature, name, role, logs, permissions, props);
    if (props.asynchronous) this.createAsynchronousConfig(lambda, props.asynchronous, permissions);
    if (props.source) {
      new LambdaEventSourceMapping(this, "source", { functionName: lambda.functionName, ...props.source.mapping });
    }

    this.name = lambda.functionName;
    this.arn = lambda.arn;
    this.invokeArn = lambda.invokeArn;
    this.createAlarms(props.alarms);
  }

  /** The function's name, and the permission to invoke it. */
  allowsInvoke(): Binding {
    return { value: this.name, actions: ["lambda:InvokeFunction"], resources: [this.arn] };
  }

  /** A metric that Lambda counts of it. */
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
    return new IamRolePolicy(this, "permissions", {
      name: "permissions",
      role: role.id,
      policy: policy([
        ...statementsOf(props.environment),
        ...(props.permissions ?? []).map(({ actions, resources }, index) => ({
          Sid: `More${index}`,
          Effect: "Allow" as const,
          Action: actions,
          Resource: resources,
        })),
        ...(props.asynchronous ? statementsOf({ DEAD_LETTERS: props.asynchronous.deadLetters.allowsSend() }) : []),
        ...(props.source ? statementsOf(props.source.permissions) : []),
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
          Resource: ["*"], // X-Ray knows no resources for these
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
    const zip = feature.addZip(basename(props.entry, ".ts"), bundleOf(props.entry).zipFile);
    const code = new S3Object(this, "code", {
      bucket: feature.deployment.codeBucket,
      key: `${name}.zip`,
      source: zip.filename,
      sourceHash: zip.hash,
    });

    return new LambdaFunction(this, RESOURCE, {
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
          NODE_OPTIONS: "--enable-source-maps",
          POWERTOOLS_SERVICE_NAME: feature.feature,
          ...(props.threads !== undefined && { UV_THREADPOOL_SIZE: String(props.threads) }),
          ...variablesOf(props.environment),
        },
      },
      tracingConfig: { mode: "Active" },
      loggingConfig: { logFormat: "JSON", logGroup: logs.name },
      dependsOn: [permissions], // else the first invocations may come before their permissions
    });
  }

  private createAsynchronousConfig(lambda: LambdaFunction, props: Asynchronous, permissions: IamRolePolicy): void {
    new LambdaFunctionEventInvokeConfig(this, "asynchronous", {
      functionName: lambda.functionName,
      maximumRetryAttempts: props.retries,
      maximumEventAgeInSeconds: props.maxEventAgeSeconds,
      destinationConfig: { onFailure: { destination: props.deadLetters.arn } },
      dependsOn: [permissions],
    });
  }

  private createAlarms(alarms: NodeFunctionProps<E>["alarms"]): void {
    new Alarm(this, "errors", {
      text: alarms.errors,
      ...this.metric("Errors"),
      statistic: "Sum",
      comparison: "GreaterThanThreshold",
      threshold: 0,
      periodSeconds: 300,
    });
  }
}
