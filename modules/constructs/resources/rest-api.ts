/** A REST API of API Gateway: routes, stage, access log, alarms. */
import { createHash } from "node:crypto";
import { ApiGatewayDeployment } from "@cdktf/provider-aws/lib/api-gateway-deployment";
import { ApiGatewayGatewayResponse } from "@cdktf/provider-aws/lib/api-gateway-gateway-response";
import { ApiGatewayIntegrationResponse } from "@cdktf/provider-aws/lib/api-gateway-integration-response";
import { ApiGatewayIntegration } from "@cdktf/provider-aws/lib/api-gateway-integration";
import { ApiGatewayMethodResponse } from "@cdktf/provider-aws/lib/api-gateway-method-response";
import { ApiGatewayMethod } from "@cdktf/provider-aws/lib/api-gateway-method";
import { ApiGatewayMethodSettings } from "@cdktf/provider-aws/lib/api-gateway-method-settings";
import { ApiGatewayResource } from "@cdktf/provider-aws/lib/api-gateway-resource";
import { ApiGatewayRestApi } from "@cdktf/provider-aws/lib/api-gateway-rest-api";
import { ApiGatewayStage } from "@cdktf/provider-aws/lib/api-gateway-stage";
import { CloudwatchLogGroup } from "@cdktf/provider-aws/lib/cloudwatch-log-group";
import { LambdaPermission } from "@cdktf/provider-aws/lib/lambda-permission";
import { Lazy, TerraformResource, type ITerraformDependable } from "cdktf";
import { Construct } from "constructs";
import { explain } from "../explain";
import { Alarm } from "./alarm";
import type { AlarmSpec } from "../alarm-spec";
import { CorsPreflight, type Cors } from "./cors-preflight";
import { Feature } from "../feature";
import { RESOURCE } from "../readable-id";

const STAGE = "live";

/** What a deployment has as it is when the deployment is created. */
const SNAPSHOTTED: ReadonlySet<string> = new Set([
  ApiGatewayRestApi.tfResourceType,
  ApiGatewayResource.tfResourceType,
  ApiGatewayMethod.tfResourceType,
  ApiGatewayMethodResponse.tfResourceType,
  ApiGatewayIntegration.tfResourceType,
  ApiGatewayIntegrationResponse.tfResourceType,
  ApiGatewayGatewayResponse.tfResourceType,
]);

/** Covers last month's incidents. */
const LOG_RETENTION_DAYS = 30;

/**
 * One line of JSON per request, without headers and bodies. Numbers that every request has are unquoted. API Gateway inserts variables as
 * they are: the caller chooses `error.message`, so the log has the response's type, one of a few words. The path arrives encoded.
 */
const accessLog = (path: "$context.path" | "$context.resourcePath"): string =>
  `{${[
    `"requestId":"$context.requestId"`,
    `"time":$context.requestTimeEpoch`,
    `"method":"$context.httpMethod"`,
    `"path":"${path}"`,
    `"status":$context.status`,
    `"caller":"$context.identity.userArn"`,
    `"sourceIp":"$context.identity.sourceIp"`,
    `"latencyMs":$context.responseLatency`,
    `"error":"$context.error.responseType"`,
  ].join(",")}}`;

/** A method of a path, and the function that handles it. */
export interface Route {
  readonly method: "GET" | "POST" | "PUT" | "DELETE";
  /** `/heartbeats/{name}` */
  readonly path: string;
  readonly handler: { readonly name: string; readonly invokeArn: string; readonly node: { readonly id: string } };
  /** NONE: anybody can call it, and its function authenticates the request. @default "AWS_IAM" */
  readonly authorization?: "AWS_IAM" | "NONE";
  /** @default the API's */
  readonly throttling?: Throttling;
}

/** For all callers together; requests above it get 429. */
export interface Throttling {
  readonly requestsPerSecond: number;
  readonly burst: number;
}

export interface RestApiProps {
  readonly description: string;
  readonly routes: readonly Route[];
  readonly throttling: Throttling;
  /**
   * Browsers on any origin may call: API Gateway answers their preflight requests itself, and its own responses (403, 429, 504) allow any
   * origin. Functions set CORS headers on theirs.
   *
   * @default same origin only
   */
  readonly cors?: Cors;
  /** True: a path has a secret, so the access log has the routes instead of the paths. @default false */
  readonly secretPaths?: boolean;
  readonly alarms: { readonly serverErrors: AlarmSpec };
}

/**
 * A REST API over functions of its feature. Callers need AWS credentials and `execute-api:Invoke` (AWS_IAM), unless a route says otherwise.
 * CORS preflight requests are unsigned; API Gateway answers them itself.
 *
 * Defined resource by resource because the local emulator does not support OpenAPI bodies. Access logs need API Gateway's
 * CloudWatch role, an account setting that `npx almanac bootstrap` makes.
 */
export class RestApi extends Construct {
  /** Base URL: `https://....execute-api.eu-central-1.amazonaws.com/live`. */
  readonly url: string;
  readonly id: string;
  private readonly api: ApiGatewayRestApi;
  private readonly resources = new Map<string, { readonly pathPart: string; readonly resource: ApiGatewayResource }>();

  constructor(scope: Construct, id: string, props: RestApiProps) {
    super(scope, id);
    const name = Feature.of(this).nameOf(this);
    this.api = new ApiGatewayRestApi(this, RESOURCE, {
      name,
      description: props.description,
      endpointConfiguration: { types: ["REGIONAL"] },
      binaryMediaTypes: ["*/*"],
    });
    explain(
      this.api,
      "Binary: otherwise API Gateway replaces octets that are not UTF-8, and functions cannot refuse them.",
    );
    for (const handler of new Map(props.routes.map(({ handler: each }) => [each.name, each])).values())
      this.allowInvocation(handler);
    const integrations = props.routes.map((route) => this.createRoute(route));
    const preflights = props.cors === undefined ? [] : this.createPreflights(props.routes, props.cors);
    const gatewayResponses = props.cors === undefined ? [] : this.createGatewayResponses();
    const deployment = this.createDeployment(props, [...integrations, ...preflights, ...gatewayResponses]);
    const stage = this.createStage(name, deployment, props.secretPaths ?? false);
    this.createThrottling(stage, "throttling", "*/*", props.throttling);
    for (const { method, path, throttling } of props.routes)
      if (throttling)
        this.createThrottling(stage, `${idOf({ method, path })}-throttling`, settingsPath(path, method), throttling);
    new Alarm(this, "server-errors", {
      spec: props.alarms.serverErrors,
      namespace: "AWS/ApiGateway",
      metric: "5XXError",
      dimensions: { ApiName: name, Stage: STAGE },
    });

    this.url = this.urlOf(stage);
    this.id = this.api.id;
  }

  /** The resource of a caller's `execute-api:Invoke` permission. */
  arnOf({ method, path }: Pick<Route, "method" | "path">): string {
    return `${this.api.executionArn}/${STAGE}/${method}${path.replace(/\{\w+\}/g, "*")}`;
  }

  /** The stage's invoke URL always points to Amazon; an emulator serves the stage at its own endpoint. */
  private urlOf(stage: ApiGatewayStage): string {
    const { awsEndpoint } = Feature.of(this).deployment;
    if (awsEndpoint === undefined) return stage.invokeUrl;
    return `${awsEndpoint.replace(/\/$/, "")}/restapis/${this.api.id}/${stage.stageName}/_user_request_`;
  }

  /**
   * One statement for all routes: a function's resource policy has 20 KB. The API's integrations decide which routes invoke it.
   */
  private allowInvocation({ name, node }: Route["handler"]): void {
    const permission = new LambdaPermission(this, `${node.id}-permission`, {
      statementId: Feature.of(this).nameOf(this),
      action: "lambda:InvokeFunction",
      functionName: name,
      principal: "apigateway.amazonaws.com",
      sourceArn: `${this.api.executionArn}/${STAGE}/*`,
    });
    explain(permission, "One for all routes: the resource policy of a function has at most 20 KB.");
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
    return new ApiGatewayIntegration(this, `${id}-integration`, {
      restApiId: this.api.id,
      resourceId,
      httpMethod: method.httpMethod,
      type: "AWS_PROXY",
      integrationHttpMethod: "POST", // the Lambda API takes POST for every method
      uri: handler.invokeArn,
    });
  }

  /** Paths share the resources of their common prefix. */
  private resourceAt(segments: readonly string[]): string {
    const last = segments.at(-1);
    if (last === undefined) return this.api.rootResourceId;
    const id = segments.map(idOfSegment).join("-");
    const known = this.resources.get(id);
    if (known !== undefined && known.pathPart !== last)
      throw new Error(`/${segments.join("/")}: another route has ${known.pathPart} in the place of ${last}`);
    if (known !== undefined) return known.resource.id;
    const parentId = this.resourceAt(segments.slice(0, -1));
    const resource = new ApiGatewayResource(this, id, { restApiId: this.api.id, parentId, pathPart: last });
    this.resources.set(id, { pathPart: last, resource });
    return resource.id;
  }

  private createPreflights(routes: readonly Route[], cors: Cors): ApiGatewayIntegrationResponse[] {
    return pathsOf(routes).map((path) => {
      const segments = path.split("/").slice(1);
      const props = { restApiId: this.api.id, resourceId: this.resourceAt(segments), cors };
      return new CorsPreflight(this, ["options", ...segments.map(idOfSegment)].join("-"), props).integration;
    });
  }

  /** API Gateway's default error responses with a CORS header. */
  private createGatewayResponses(): ApiGatewayGatewayResponse[] {
    return ["DEFAULT_4XX", "DEFAULT_5XX"].map(
      (responseType) =>
        new ApiGatewayGatewayResponse(this, responseType.toLowerCase().replace("_", "-"), {
          restApiId: this.api.id,
          responseType,
          responseParameters: { "gatewayresponse.header.Access-Control-Allow-Origin": "'*'" },
          // The default. AWS returns it, so leaving it out would show as a change in every plan.
          responseTemplates: { "application/json": '{"message":$context.error.messageString}' },
        }),
    );
  }

  /** A deployment snapshots the routes, so each change of a route triggers a new one. */
  private createDeployment(
    { routes, cors }: RestApiProps,
    dependsOn: readonly ITerraformDependable[],
  ): ApiGatewayDeployment {
    const deployment = new ApiGatewayDeployment(this, "deployment", {
      restApiId: this.api.id,
      triggers: {
        ...Object.fromEntries(
          routes.map((route) => [
            `${route.method} ${route.path}`,
            `${authorizationOf(route)} ${route.handler.invokeArn}`,
          ]),
        ),
        ...(cors !== undefined && {
          ...Object.fromEntries(
            pathsOf(routes).map((path) => [`OPTIONS ${path}`, `NONE mock ${cors.methods} ${cors.headers}`]),
          ),
          "gateway responses": "Access-Control-Allow-Origin",
        }),
        definition: Lazy.stringValue({
          produce: (context) => this.hashOfDefinition((value) => context.resolve(value)),
        }),
      },
      dependsOn: [...dependsOn],
      lifecycle: { createBeforeDestroy: true },
    });
    return explain(
      deployment,
      "Has the routes that exist when it is created. Terraform deletes a removed route later: then apply with -replace of this.",
    );
  }

  /** Of all that a deployment snapshots: the API's own settings, such as its binary media types, and each attribute of its parts. */
  private hashOfDefinition(resolve: (value: unknown) => unknown): string {
    const attributes = this.node
      .findAll()
      .filter((it) => TerraformResource.isTerraformResource(it))
      .filter(({ terraformResourceType }) => SNAPSHOTTED.has(terraformResourceType))
      .map((part) => resolve(part.toTerraform()));
    // Not cdktf's comments: they name the environment.
    const json = JSON.stringify(attributes, (key, value: unknown) => (key === "//" ? undefined : value));
    return createHash("sha256").update(json).digest("hex");
  }

  private createStage(name: string, deployment: ApiGatewayDeployment, secretPaths: boolean): ApiGatewayStage {
    const logs = new CloudwatchLogGroup(this, "log-group", {
      name: `/aws/apigateway/${name}`,
      retentionInDays: LOG_RETENTION_DAYS,
    });
    return new ApiGatewayStage(this, "stage", {
      restApiId: this.api.id,
      deploymentId: deployment.id,
      stageName: STAGE,
      accessLogSettings: {
        destinationArn: logs.arn,
        format: accessLog(secretPaths ? "$context.resourcePath" : "$context.path"),
      },
    });
  }

  private createThrottling(stage: ApiGatewayStage, id: string, methodPath: string, throttling: Throttling): void {
    const { requestsPerSecond, burst } = throttling;
    new ApiGatewayMethodSettings(this, id, {
      restApiId: this.api.id,
      stageName: stage.stageName,
      methodPath,
      settings: { throttlingRateLimit: requestsPerSecond, throttlingBurstLimit: burst },
    });
  }
}

/** API Gateway's name for the settings of a method: a slash in its path is `~1`. The provider passes it on as it is. */
function settingsPath(path: string, method: string): string {
  return `${path.replaceAll("/", "~1")}/${method}`;
}

function authorizationOf({ authorization = "AWS_IAM" }: Route): "AWS_IAM" | "NONE" {
  return authorization;
}

function pathsOf(routes: readonly Route[]): readonly string[] {
  return [...new Set(routes.map(({ path }) => path))];
}

/** `post-heartbeats-item` */
function idOf({ method, path }: Pick<Route, "method" | "path">): string {
  return [method.toLowerCase(), ...path.split("/").slice(1).map(idOfSegment)].join("-");
}

/**
 * `{name}` -> `item`. API Gateway has one variable in a place of its paths, and refuses a second beside it: so a variable that is
 * renamed stays the same resource, with the same methods, and Terraform changes it in place.
 */
function idOfSegment(segment: string): string {
  return segment.startsWith("{") ? "item" : segment;
}
