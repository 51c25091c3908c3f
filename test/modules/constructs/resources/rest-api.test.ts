import { TerraformResource } from "cdktf";
import * as z from "zod";
import { RestApi, type Route } from "../../../../modules/constructs/resources/rest-api";
import { resource, synthesize, synthesizeConstructs, type TerraformJson } from "../../../support/synthesized";

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
  expect(api.arnOf({ method: "GET", path: "/timers/{id}/{verb}" })).toMatch(/\/live\/GET\/timers\/\*\/\*$/);
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

  const cors = { methods: "OPTIONS,PUT", headers: "Content-Type" };
  const open = synthesizeConstructs((feature) => new RestApi(feature, "api", { ...props, cors }));

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
        "aws_api_gateway_integration.api_get_timers_item_integration",
        "aws_api_gateway_integration.api_delete_timers_item_integration",
      ],
    });
  });

  it.each([
    ["a binary media type", "aws_api_gateway_rest_api", "api", "binary_media_types", ["image/png"]],
    ["another setting of the API", "aws_api_gateway_rest_api", "api", "minimum_compression_size", "100"],
    ["a path", "aws_api_gateway_resource", "api_timers", "path_part", "alarms"],
    ["who may call", "aws_api_gateway_method", "api_post_timers", "authorization", "NONE"],
    ["another setting of a route", "aws_api_gateway_method", "api_post_timers", "api_key_required", true],
    ["an integration", "aws_api_gateway_integration", "api_post_timers_integration", "timeout_milliseconds", 50],
    [
      "a preflight",
      "aws_api_gateway_integration",
      "api_options_timers_integration",
      "passthrough_behavior",
      "WHEN_NO_MATCH",
    ],
    ["its response", "aws_api_gateway_method_response", "api_options_timers_method_response", "status_code", "204"],
    [
      "its headers",
      "aws_api_gateway_integration_response",
      "api_options_timers_integration_response",
      "response_parameters",
      { "method.response.header.Vary": "'Origin'" },
    ],
    ["an error", "aws_api_gateway_gateway_response", "api_default_4xx", "response_templates", { "text/html": "" }],
  ])("is deployed anew when %s changes", (_, type, name, attribute, value) => {
    const changed = synthesizeConstructs((feature) => {
      const api = new RestApi(feature, "api", { ...props, cors });
      const parts = api.node.findAll().filter((it) => TerraformResource.isTerraformResource(it));
      const part = parts.find((it) => it.terraformResourceType === type && it.friendlyUniqueId === name);
      part?.addOverride(attribute, value);
    });
    expect(resource(changed, type, name)).not.toEqual(resource(open, type, name));
    const triggersOf = (it: TerraformJson) => resource(it, "aws_api_gateway_deployment", "api_deployment")["triggers"];
    expect(triggersOf(changed)).not.toEqual(triggersOf(open));
  });

  it("is not deployed anew when nothing changes, in any environment", () => {
    const again = synthesizeConstructs((feature) => new RestApi(feature, "api", { ...props, cors }));
    expect(again).toEqual(open);
    const [staging, production] = ["staging", "production"].map(
      (name) => synthesize({ timers: {} }, name).modules["timers"],
    );
    expect(staging).toEqual(production);
  });

  describe("a variable of a path", () => {
    const renamed = synthesizeConstructs(
      (feature) =>
        new RestApi(feature, "api", {
          ...props,
          routes: props.routes.map((route) => ({ ...route, path: route.path.replace("{id}", "{timer}") })),
        }),
    );

    it("can be renamed: its resource and its methods stay, because API Gateway refuses a second variable beside it", () => {
      expect(Object.keys(renamed.resource["aws_api_gateway_resource"] ?? {})).toEqual([
        "api_timers",
        "api_timers_item",
      ]);
      for (const type of ["resource", "method", "integration"].map((it) => `aws_api_gateway_${it}`))
        expect(Object.keys(renamed.resource[type] ?? {})).toEqual(Object.keys(json.resource[type] ?? {}));
      expect(resource(renamed, "aws_api_gateway_resource", "api_timers_item")).toMatchObject({ path_part: "{timer}" });
      const { triggers } = resource(renamed, "aws_api_gateway_deployment", "api_deployment");
      expect(triggers).toMatchObject({ "GET /timers/{timer}": "AWS_IAM arn:invoke" });
    });

    it.each([
      ["another variable", "/timers/{timer}/fires"],
      ["a path of its resource's name", "/timers/item"],
    ])("is refused beside %s", (__, path) => {
      const [first] = props.routes;
      const routes = [...props.routes, ...(first === undefined ? [] : [{ ...first, path }])];
      expect(() => synthesizeConstructs((feature) => new RestApi(feature, "api", { ...props, routes }))).toThrow(
        `${path.replace("/fires", "")}: another route has {id} in the place of ${path.split("/")[2] ?? ""}`,
      );
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
      resource(open, "aws_api_gateway_integration_response", "api_options_timers_item_integration_response"),
    ).toMatchObject({
      status_code: "${aws_api_gateway_method_response.api_options_timers_item_method_response.status_code}",
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
        "aws_api_gateway_integration_response.api_options_timers_item_integration_response",
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
