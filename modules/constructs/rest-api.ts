import { ApiGatewayDeployment } from "@cdktf/provider-aws/lib/api-gateway-deployment";
import { ApiGatewayGatewayResponse } from "@cdktf/provider-aws/lib/api-gateway-gateway-response";
import { ApiGatewayIntegration } from "@cdktf/provider-aws/lib/api-gateway-integration";
import { ApiGatewayMethod } from "@cdktf/provider-aws/lib/api-gateway-method";
import { ApiGatewayMethodSettings } from "@cdktf/provider-aws/lib/api-gateway-method-settings";
import { ApiGatewayResource } from "@cdktf/provider-aws/lib/api-gateway-resource";
import { ApiGatewayRestApi } from "@cdktf/provider-aws/lib/api-gateway-rest-api";
import { ApiGatewayStage } from "@cdktf/provider-aws/lib/api-gateway-stage";
import { CloudwatchLogGroup } from "@cdktf/provider-aws/lib/cloudwatch-log-group";
import { LambdaPermission } from "@cdktf/provider-aws/lib/lambda-permission";
import { Construct } from "constructs";
import { Alarm, type AlarmText } from "./alarm";
import { Feature } from "./feature";
import { RESOURCE } from "./readable-id";

const STAGE = "live";

/** Who called what, and how it went: long enough to look into last month. */
const LOG_RETENTION_DAYS = 30;

/** One line of JSON a request; neither headers nor bodies. What is a number and there in every request stands without quotes. */
const ACCESS_LOG = `{${[
  `"requestId":"$context.requestId"`,
  `"time":$context.requestTimeEpoch`,
  `"method":"$context.httpMethod"`,
  `"path":"$context.path"`,
  `"status":$context.status`,
  `"caller":"$context.identity.userArn"`,
  `"sourceIp":"$context.identity.sourceIp"`,
  `"latencyMs":$context.responseLatency`,
  `"error":"$context.error.message"`,
].join(",")}}`;

/** One method of one path, and the function behind it. */
export interface Route {
  readonly method: "GET" | "POST" | "PUT" | "DELETE" | "OPTIONS";
  /** `/heartbeats/{name}` */
  readonly path: string;
  readonly handler: { readonly name: string; readonly invokeArn: string };
}

export interface RestApiProps {
  readonly description: string;
  readonly routes: readonly Route[];
  /** All callers together; more is answered with 429. */
  readonly throttling: { readonly requestsPerSecond: number; readonly burst: number };
  /**
   * True: browsers on any site may read what API Gateway answers by itself (403, 429, 504), as they may read what the functions answer
   * with `cors` of their own.
   *
   * @default false
   */
  readonly cors?: boolean;
  readonly alarms: { readonly failures: AlarmText };
}

/**
 * A REST API before functions of its feature. Only who has AWS credentials and `execute-api:Invoke` may call it (AWS_IAM); but
 * OPTIONS is for all, since browsers ask without credentials what they may ask for.
 *
 * Resource by resource rather than by an OpenAPI body, which the local emulator does not take. Its access logs need the role that
 * `npx almanac bootstrap` gives API Gateway: that is the account's, so no environment has it.
 */
export class RestApi extends Construct {
  /** Where its paths begin: `https://....execute-api.eu-central-1.amazonaws.com/live`. */
  readonly url: string;
  readonly id: string;
  private readonly api: ApiGatewayRestApi;
  private readonly resources = new Map<string, ApiGatewayResource>();

  constructor(scope: Construct, id: string, props: RestApiProps) {
    super(scope, id);
    const name = Feature.of(this).physicalName(id);
    this.api = new ApiGatewayRestApi(this, RESOURCE, {
      name,
      description: props.description,
      endpointConfiguration: { types: ["REGIONAL"] },
    });
    const integrations = props.routes.map((route) => this.createRoute(route));
    const ownAnswers = props.cors === true ? this.createOwnAnswers() : [];
    const deployment = this.createDeployment(props.routes, integrations, ownAnswers);
    const stage = this.createStage(name, deployment);
    this.createThrottling(stage, props.throttling);
    this.createAlarms(name, props.alarms);

    this.url = this.urlOf(stage);
    this.id = this.api.id;
  }

  /** What a caller's policy has to allow `execute-api:Invoke` on. */
  arnOf({ method, path }: Pick<Route, "method" | "path">): string {
    return `${this.api.executionArn}/${STAGE}/${method}${path.replace(/\{\w+\}/g, "*")}`;
  }

  /** What AWS calls the stage's address leads to Amazon, whoever has made it: an emulator answers at a path of its own. */
  private urlOf(stage: ApiGatewayStage): string {
    const { awsEndpoint } = Feature.of(this).deployment;
    if (awsEndpoint === undefined) return stage.invokeUrl;
    return `${awsEndpoint.replace(/\/$/, "")}/restapis/${this.api.id}/${stage.stageName}/_user_request_`;
  }

  private createRoute(route: Route): ApiGatewayIntegration {
    const { method: httpMethod, path, handler } = route;
    const id = idOf(route);
    const resourceId = this.resourceAt(path.split("/").slice(1));
    const method = new ApiGatewayMethod(this, id, {
      restApiId: this.api.id,
      resourceId,
      httpMethod,
      authorization: authorizationOf(route),
    });
    new LambdaPermission(this, `${id}-permission`, {
      statementId: `${Feature.of(this).physicalName(this.node.id)}-${id}`,
      action: "lambda:InvokeFunction",
      functionName: handler.name,
      principal: "apigateway.amazonaws.com",
      sourceArn: this.arnOf(route),
    });
    return new ApiGatewayIntegration(this, `${id}-integration`, {
      restApiId: this.api.id,
      resourceId,
      httpMethod: method.httpMethod,
      type: "AWS_PROXY",
      integrationHttpMethod: "POST", // Lambda is always called so, whatever the caller's method
      uri: handler.invokeArn,
    });
  }

  /** Resources are shared by the paths that go through them. */
  private resourceAt(segments: readonly string[]): string {
    const last = segments.at(-1);
    if (last === undefined) return this.api.rootResourceId;
    const id = segments.map(plain).join("-");
    const known = this.resources.get(id);
    if (known !== undefined) return known.id;
    const parentId = this.resourceAt(segments.slice(0, -1));
    const resource = new ApiGatewayResource(this, id, { restApiId: this.api.id, parentId, pathPart: last });
    this.resources.set(id, resource);
    return resource.id;
  }

  /** API Gateway's answers as they always are, with the header that lets browsers hand them on. */
  private createOwnAnswers(): ApiGatewayGatewayResponse[] {
    return ["DEFAULT_4XX", "DEFAULT_5XX"].map(
      (responseType) =>
        new ApiGatewayGatewayResponse(this, responseType.toLowerCase().replace("_", "-"), {
          restApiId: this.api.id,
          responseType,
          responseParameters: { "gatewayresponse.header.Access-Control-Allow-Origin": "'*'" },
          // What it is anyhow; AWS tells it back, and a plan would want it gone.
          responseTemplates: { "application/json": '{"message":$context.error.messageString}' },
        }),
    );
  }

  /** What callers see changes with a deployment only, so each change of a route is one. */
  private createDeployment(
    routes: readonly Route[],
    integrations: readonly ApiGatewayIntegration[],
    ownAnswers: readonly ApiGatewayGatewayResponse[],
  ): ApiGatewayDeployment {
    return new ApiGatewayDeployment(this, "deployment", {
      restApiId: this.api.id,
      triggers: {
        ...Object.fromEntries(
          routes.map((route) => [
            `${route.method} ${route.path}`,
            `${authorizationOf(route)} ${route.handler.invokeArn}`,
          ]),
        ),
        ...(ownAnswers.length > 0 && { "own answers": "Access-Control-Allow-Origin" }),
      },
      dependsOn: [...integrations, ...ownAnswers],
      lifecycle: { createBeforeDestroy: true },
    });
  }

  private createStage(name: string, deployment: ApiGatewayDeployment): ApiGatewayStage {
    const logs = new CloudwatchLogGroup(this, "logs", {
      name: `/aws/apigateway/${name}`,
      retentionInDays: LOG_RETENTION_DAYS,
    });
    return new ApiGatewayStage(this, "stage", {
      restApiId: this.api.id,
      deploymentId: deployment.id,
      stageName: STAGE,
      accessLogSettings: { destinationArn: logs.arn, format: ACCESS_LOG },
    });
  }

  private createThrottling(stage: ApiGatewayStage, { requestsPerSecond, burst }: RestApiProps["throttling"]): void {
    new ApiGatewayMethodSettings(this, "throttling", {
      restApiId: this.api.id,
      stageName: stage.stageName,
      methodPath: "*/*",
      settings: { throttlingRateLimit: requestsPerSecond, throttlingBurstLimit: burst },
    });
  }

  private createAlarms(name: string, alarms: RestApiProps["alarms"]): void {
    new Alarm(this, "failures", {
      text: alarms.failures,
      namespace: "AWS/ApiGateway",
      metric: "5XXError",
      dimensions: { ApiName: name, Stage: STAGE },
      statistic: "Sum",
      comparison: "GreaterThanThreshold",
      threshold: 0,
      periodSeconds: 300,
    });
  }
}

function authorizationOf({ method }: Pick<Route, "method">): "AWS_IAM" | "NONE" {
  return method === "OPTIONS" ? "NONE" : "AWS_IAM";
}

/** `post-heartbeats-name` */
function idOf({ method, path }: Pick<Route, "method" | "path">): string {
  return [method.toLowerCase(), ...path.split("/").slice(1).map(plain)].join("-");
}

/** `{name}` -> `name` */
function plain(segment: string): string {
  return segment.replace(/[{}]/g, "");
}
