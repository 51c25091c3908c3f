/** Preflight requests of browsers, which API Gateway answers itself. */
import { ApiGatewayIntegration } from "@cdktf/provider-aws/lib/api-gateway-integration";
import { ApiGatewayIntegrationResponse } from "@cdktf/provider-aws/lib/api-gateway-integration-response";
import { ApiGatewayMethod } from "@cdktf/provider-aws/lib/api-gateway-method";
import { ApiGatewayMethodResponse } from "@cdktf/provider-aws/lib/api-gateway-method-response";
import { Construct } from "constructs";
import { explain } from "../explain";

/** What browsers on any origin may send. */
export interface Cors {
  /** `OPTIONS,PUT,GET,DELETE` */
  readonly methods: string;
  /** `Content-Type` */
  readonly headers: string;
}

export interface CorsPreflightProps {
  readonly restApiId: string;
  readonly resourceId: string;
  readonly cors: Cors;
}

/**
 * OPTIONS of one path, answered by API Gateway. Preflight requests are unsigned: a function behind them could be invoked by anybody, at the
 * cost of its account and of the concurrency that all its functions share.
 */
export class CorsPreflight extends Construct {
  /** For the deployment, which has a snapshot of what exists then. */
  readonly integration: ApiGatewayIntegrationResponse;

  constructor(scope: Construct, id: string, { restApiId, resourceId, cors }: CorsPreflightProps) {
    super(scope, id);
    const headers = {
      "Access-Control-Allow-Origin": "*",
      "Access-Control-Allow-Methods": cors.methods,
      "Access-Control-Allow-Headers": cors.headers,
      "Cache-Control": "no-store",
    };
    const { httpMethod } = new ApiGatewayMethod(this, "method", {
      restApiId,
      resourceId,
      httpMethod: "OPTIONS",
      authorization: "NONE",
    });
    const integration = new ApiGatewayIntegration(this, "integration", {
      restApiId,
      resourceId,
      httpMethod,
      type: "MOCK",
      requestTemplates: { "application/json": '{"statusCode": 200}' },
      passthroughBehavior: "NEVER",
      contentHandling: "CONVERT_TO_TEXT",
    });
    explain(
      integration,
      "NEVER: other content types get 415. Passed through, they would get 500 and raise the alarm for 5xx.",
    );
    explain(integration, "CONVERT_TO_TEXT: bodies are binary in this API, and a mock responds to those with 500.");
    const { statusCode } = new ApiGatewayMethodResponse(this, "method-response", {
      restApiId,
      resourceId,
      httpMethod,
      statusCode: "200",
      responseParameters: Object.fromEntries(
        Object.keys(headers).map((name) => [`method.response.header.${name}`, true]),
      ),
    });
    this.integration = new ApiGatewayIntegrationResponse(this, "integration-response", {
      restApiId,
      resourceId,
      httpMethod,
      statusCode,
      responseParameters: Object.fromEntries(
        Object.entries(headers).map(([name, value]) => [`method.response.header.${name}`, `'${value}'`]),
      ),
      dependsOn: [integration],
    });
  }
}
