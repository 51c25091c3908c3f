import * as z from "zod";
import { RestApi, type Route } from "../../../modules/constructs/rest-api";
import { resource, synthesizeConstructs } from "../../support/synthesized";

const handler = { name: "function", invokeArn: "arn:invoke", node: { id: "function" } };
const other = { name: "other", invokeArn: "arn:other", node: { id: "other" } };
const routes: readonly Route[] = [
  { method: "POST", path: "/timers", handler },
  { method: "GET", path: "/timers/{id}", handler },
  { method: "DELETE", path: "/timers/{id}", handler: other },
];
const props = {
  description: "Timers",
  routes,
  throttling: { requestsPerSecond: 10, burst: 20 },
  alarms: {
    serverErrors: {
      description: "The API returns 5xx",
      impact: "Requests fail.",
      runbook: "sample#the-api-returns-5xx",
    },
  },
} as const;
const json = synthesizeConstructs((feature) => {
  const api = new RestApi(feature, "api", props);
  expect(api.arnOf({ method: "GET", path: "/timers/{id}" })).toMatch(/\/live\/GET\/timers\/\*$/);
});

/** A request as API Gateway writes it into the log: each variable replaced by its text. */
function logged(format: string, variables: Readonly<Record<string, string>>): unknown {
  return JSON.parse(format.replace(/\$context\.([\w.]+)/g, (_, name: string) => variables[name] ?? "-"));
}

describe("a REST API", () => {
  it("shares the resources that its paths go through", () => {
    expect(Object.values(json.resource["aws_api_gateway_resource"] ?? {})).toMatchObject([
      { path_part: "timers", parent_id: "${aws_api_gateway_rest_api.api.root_resource_id}" },
      { path_part: "{id}", parent_id: "${aws_api_gateway_resource.api_timers.id}" },
    ]);
  });

  it("requires signed requests on each route", () => {
    const methods = Object.values(json.resource["aws_api_gateway_method"] ?? {});
    expect(methods.map(({ http_method: method, authorization }) => [method, authorization])).toEqual([
      ["POST", "AWS_IAM"],
      ["GET", "AWS_IAM"],
      ["DELETE", "AWS_IAM"],
    ]);
  });

  it("may invoke its functions, with one statement each for any number of routes", () => {
    expect(Object.keys(json.resource["aws_lambda_permission"] ?? {})).toEqual([
      "api_function_permission",
      "api_other_permission",
    ]);
    expect(resource(json, "aws_lambda_permission", "api_other_permission")).toMatchObject({
      function_name: "other",
      principal: "apigateway.amazonaws.com",
      source_arn: "${aws_api_gateway_rest_api.api.execution_arn}/live/*",
    });
  });

  it("is deployed anew when a route is added or goes elsewhere, after its integrations", () => {
    expect(resource(json, "aws_api_gateway_deployment", "api_deployment")).toMatchObject({
      triggers: {
        "POST /timers": "AWS_IAM arn:invoke",
        "GET /timers/{id}": "AWS_IAM arn:invoke",
        "DELETE /timers/{id}": "AWS_IAM arn:other",
      },
      lifecycle: { create_before_destroy: true },
      depends_on: [
        "aws_api_gateway_integration.api_post_timers_integration",
        "aws_api_gateway_integration.api_get_timers_id_integration",
        "aws_api_gateway_integration.api_delete_timers_id_integration",
      ],
    });
  });

  it("logs each request as JSON, numbers as numbers", () => {
    const { access_log_settings: settings } = z
      .object({ access_log_settings: z.object({ destination_arn: z.string(), format: z.string() }) })
      .parse(resource(json, "aws_api_gateway_stage", "api_stage"));
    expect(settings.destination_arn).toBe("${aws_cloudwatch_log_group.api_log_group.arn}");
    const variables = { status: "403", requestTimeEpoch: "1795238400000", responseLatency: "12", path: "/live/timers" };
    expect(logged(settings.format, variables)).toMatchObject({
      status: 403,
      time: 1_795_238_400_000,
      latencyMs: 12,
      path: "/live/timers",
      caller: "-",
    });
  });

  it("has a limit, and an alarm", () => {
    expect(resource(json, "aws_api_gateway_method_settings", "api_throttling")).toMatchObject({
      method_path: "*/*",
      settings: { throttling_rate_limit: 10, throttling_burst_limit: 20 },
    });
    expect(resource(json, "aws_cloudwatch_metric_alarm", "api_server_errors")).toMatchObject({
      metric_name: "5XXError",
    });
  });

  it("logs nothing that a caller words: API Gateway inserts variables as they are", () => {
    const { access_log_settings: settings } = z
      .object({ access_log_settings: z.object({ format: z.string() }) })
      .parse(resource(json, "aws_api_gateway_stage", "api_stage"));
    expect(settings.format).not.toMatch(/error\.message|integrationErrorMessage|authorizer|\bheader|querystring|body/i);
  });

  const cors = { methods: "OPTIONS,PUT", headers: "Content-Type" };
  const open = synthesizeConstructs((feature) => new RestApi(feature, "api", { ...props, cors }));

  it("answers preflight requests itself where configured: unsigned requests invoke no function", () => {
    const methods = Object.values(open.resource["aws_api_gateway_method"] ?? {});
    const unsigned = methods.filter(({ authorization }) => authorization === "NONE");
    expect(unsigned.map(({ http_method: method }) => method)).toEqual(["OPTIONS", "OPTIONS"]);
    const integrations = Object.values(open.resource["aws_api_gateway_integration"] ?? {});
    const preflights = integrations.filter(({ type }) => type === "MOCK");
    expect(preflights).toHaveLength(2);
    for (const integration of preflights) {
      expect(integration).toMatchObject({
        http_method: expect.stringMatching(/options_timers/) as unknown,
        passthrough_behavior: "NEVER",
        request_templates: { "application/json": '{"statusCode": 200}' },
      });
      expect(integration["uri"]).toBeUndefined();
    }
    expect(
      resource(open, "aws_api_gateway_integration_response", "api_options_timers_id_integration_response"),
    ).toMatchObject({
      status_code: "${aws_api_gateway_method_response.api_options_timers_id_method_response.status_code}",
      response_parameters: {
        "method.response.header.Access-Control-Allow-Origin": "'*'",
        "method.response.header.Access-Control-Allow-Methods": "'OPTIONS,PUT'",
        "method.response.header.Access-Control-Allow-Headers": "'Content-Type'",
        "method.response.header.Cache-Control": "'no-store'",
      },
    });
    expect(resource(open, "aws_api_gateway_deployment", "api_deployment")).toMatchObject({
      triggers: { "OPTIONS /timers/{id}": "NONE mock OPTIONS,PUT Content-Type" },
      depends_on: expect.arrayContaining([
        "aws_api_gateway_integration_response.api_options_timers_id_integration_response",
      ]) as unknown,
    });
    expect(Object.keys(open.resource["aws_lambda_permission"] ?? {})).toHaveLength(2);
  });

  it("adds CORS headers to its own responses where configured, and is deployed again for that", () => {
    expect(json.resource["aws_api_gateway_gateway_response"]).toBeUndefined();
    const responses = open.resource["aws_api_gateway_gateway_response"] ?? {};
    expect(Object.values(responses)).toMatchObject(
      ["DEFAULT_4XX", "DEFAULT_5XX"].map((type) => ({
        response_type: type,
        response_parameters: { "gatewayresponse.header.Access-Control-Allow-Origin": "'*'" },
      })),
    );
    const deployment = resource(open, "aws_api_gateway_deployment", "api_deployment");
    expect(deployment["depends_on"]).toEqual(
      expect.arrayContaining(Object.keys(responses).map((name) => `aws_api_gateway_gateway_response.${name}`)),
    );
    expect(deployment["triggers"]).not.toEqual(
      resource(json, "aws_api_gateway_deployment", "api_deployment")["triggers"],
    );
  });
});
