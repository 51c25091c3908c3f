/** APIs and the status page's distribution. */
import type { Resource } from "../../../modules/synthesized/resources";
import { fieldsOf } from "../../../scripts/shared/fields";
import {
  equals,
  FOR_PEOPLE,
  hasParts,
  indifferent,
  is,
  must,
  nameOf,
  neighbour,
  neighbours,
  ownerOf,
  PHYSICAL_NAME,
  physicalName,
  reference,
  refersTo,
  textAt,
  textsOf,
  valuesAt,
  type Rules,
  type World,
} from "./rule";

const REST_API = "aws_api_gateway_rest_api";
const apiOf = (resource: Resource, world: World) => ownerOf(world, resource, REST_API);
const apiName = (resource: Resource, world: World) => {
  const api = apiOf(resource, world);
  return api === undefined ? undefined : nameOf(api);
};
const OF_ITS_API = refersTo(REST_API, "id", "is its API's", apiName);

/** What follows the API's name: `options_periodic_id_method` -> ["options", "periodic", "item"]. */
const partsOf = (resource: Resource, world: World): readonly string[] => {
  const name = nameOf(resource).slice((apiName(resource, world) ?? "").length + 1);
  return name.replace(/_(method|integration|method_response|integration_response)$/, "").split("_");
};
const isPreflight = (resource: Resource, world: World) => partsOf(resource, world)[0] === "options";
const resourceName = (resource: Resource, world: World) =>
  [apiName(resource, world), ...partsOf(resource, world).slice(1)].join("_");
const OF_ITS_PATH = refersTo("aws_api_gateway_resource", "id", "is its path's", resourceName);
const methodName = (resource: Resource, world: World) =>
  [apiName(resource, world), ...partsOf(resource, world), ...(isPreflight(resource, world) ? ["method"] : [])].join(
    "_",
  );
const OF_ITS_METHOD = refersTo("aws_api_gateway_method", "http_method", "is its method's", methodName);

/** `/periodic/{id}` */
function pathOf(world: World, method: Resource): string {
  let path = "";
  let name = resourceName(method, world);
  for (;;) {
    const resource = neighbour(world, method, "aws_api_gateway_resource", name);
    if (resource === undefined) return path;
    path = `/${textAt(resource, "path_part")}${path}`;
    name = name.split("_").slice(0, -1).join("_");
  }
}

const ofApi = (world: World, resource: Resource, type: string) =>
  neighbours(world, resource, type).filter((each) => apiName(each, world) === apiName(resource, world));

/** What a deployment's snapshot is of: a change of any is a new deployment. */
function triggersOf(world: World, deployment: Resource): Readonly<Record<string, string>> {
  const routes = ofApi(world, deployment, "aws_api_gateway_method").map((method) => {
    const integration = neighbour(world, method, "aws_api_gateway_integration", integrationName(method));
    const target = integration?.values["uri"] ?? mockOf(world, method);
    return [
      `${textAt(method, "http_method")} ${pathOf(world, method)}`,
      `${textAt(method, "authorization")} ${textsOf(target).join("")}`,
    ] as const;
  });
  const responses = ofApi(world, deployment, "aws_api_gateway_gateway_response");
  return Object.fromEntries([
    ...routes,
    ...(responses.length === 0 ? [] : [["gateway responses", "Access-Control-Allow-Origin"] as const]),
  ]);
}
/** `mock OPTIONS,PUT Content-Type`: what a preflight answers. */
function mockOf(world: World, method: Resource): string {
  const response = neighbour(
    world,
    method,
    "aws_api_gateway_integration_response",
    `${integrationName(method)}_response`,
  );
  const header = (name: string) =>
    textsOf(
      valuesAt(response?.values, ["response_parameters", `method.response.header.Access-Control-Allow-${name}`])[0],
    )
      .join("")
      .replaceAll("'", "");
  return `mock ${header("Methods")} ${header("Headers")}`;
}
const integrationName = (method: Resource) => `${nameOf(method).replace(/_method$/, "")}_integration`;

const CORS_HEADERS = ["Origin", "Methods", "Headers"].map(
  (name) => `method.response.header.Access-Control-Allow-${name}`,
);
const namesIn = (value: unknown) => (typeof value === "object" && value !== null ? Object.keys(value).sort() : []);
const sorted = (value: unknown) =>
  JSON.stringify(Object.entries(typeof value === "object" && value !== null ? value : {}).sort());

const STATUS_PAGE_NAME = equals("is its bucket's", (resource, world) => physicalName(resource, world, "status_page"));

export const WEB: Readonly<Record<string, Rules>> = {
  aws_api_gateway_rest_api: {
    "": must(
      "is deployed, throttled, and watched",
      (_, resource, world) =>
        hasParts(world, resource, {
          aws_api_gateway_deployment: "_deployment",
          aws_api_gateway_stage: "_stage",
          aws_api_gateway_method_settings: "_throttling",
          aws_cloudwatch_metric_alarm: "_server_errors",
        }) &&
        isPublicAsMuchAsMeant(world, resource) &&
        areErrorsReadable(world, resource),
    ),
    name: PHYSICAL_NAME,
    description: FOR_PEOPLE,
    binary_media_types: is(["*/*"], "functions see the bytes that were sent"),
    "endpoint_configuration.types": is(["REGIONAL"], "no distribution of Amazon's in between"),
  },
  aws_api_gateway_resource: {
    "": must("a path has methods, or paths below it", (_, resource, world) =>
      ofApi(world, resource, "aws_api_gateway_method").some((method) =>
        resourceName(method, world).startsWith(nameOf(resource)),
      ),
    ),
    rest_api_id: OF_ITS_API,
    path_part: must("as it is named; a variable is an item", (value, resource) =>
      /^\{\w+\}$/.test(String(value))
        ? nameOf(resource).endsWith("_item")
        : nameOf(resource).endsWith(`_${String(value)}`) && value !== "item",
    ),
    parent_id: must("below its parent", (value, resource, world) => {
      const parent = nameOf(resource).split("_").slice(0, -1).join("_");
      return parent === apiName(resource, world)
        ? value === reference(resource, REST_API, parent, "root_resource_id")
        : value === reference(resource, "aws_api_gateway_resource", parent, "id");
    }),
  },
  aws_api_gateway_method: {
    "": must(
      "has an integration",
      (_, resource, world) =>
        neighbour(world, resource, "aws_api_gateway_integration", integrationName(resource)) !== undefined,
    ),
    rest_api_id: OF_ITS_API,
    resource_id: OF_ITS_PATH,
    http_method: equals("as it is named", (resource, world) => partsOf(resource, world)[0]?.toUpperCase()),
    authorization: equals(
      "signed, except preflights, and webhooks, whose function checks a signature",
      (resource, world) =>
        isPreflight(resource, world) || partsOf(resource, world)[1] === "webhooks" ? "NONE" : "AWS_IAM",
    ),
  },
  aws_api_gateway_integration: {
    "": must(
      "a preflight has responses",
      (_, resource, world) =>
        !isPreflight(resource, world) ||
        ["method", "integration"].every(
          (each) =>
            neighbour(
              world,
              resource,
              `aws_api_gateway_${each}_response`,
              nameOf(resource).replace(/integration$/, `${each}_response`),
            ) !== undefined,
        ),
    ),
    rest_api_id: OF_ITS_API,
    resource_id: OF_ITS_PATH,
    http_method: OF_ITS_METHOD,
    type: equals("a function, or API Gateway itself", (resource, world) =>
      isPreflight(resource, world) ? "MOCK" : "AWS_PROXY",
    ),
    integration_http_method: equals("Lambda's API takes POST only", (resource, world) =>
      isPreflight(resource, world) ? undefined : "POST",
    ),
    uri: must("a function that lets this API invoke it", (value, resource, world) =>
      isPreflight(resource, world)
        ? value === undefined
        : neighbours(world, resource, "aws_lambda_permission").some(
            ({ values }) =>
              values["principal"] === "apigateway.amazonaws.com" &&
              String(value) === String(values["function_name"]).replace(/function_name\}$/, "invoke_arn}") &&
              (partsOf(resource, world)[1] === "webhooks") === String(value).includes("_webhook."),
          ),
    ),
    passthrough_behavior: equals("other content types get 415", (resource, world) =>
      isPreflight(resource, world) ? "NEVER" : undefined,
    ),
    content_handling: equals("mocks cannot read bytes", (resource, world) =>
      isPreflight(resource, world) ? "CONVERT_TO_TEXT" : undefined,
    ),
    request_templates: equals("what a mock needs", (resource, world) =>
      isPreflight(resource, world) ? { "application/json": '{"statusCode": 200}' } : undefined,
    ),
  },
  aws_api_gateway_method_response: {
    rest_api_id: OF_ITS_API,
    resource_id: OF_ITS_PATH,
    http_method: OF_ITS_METHOD,
    status_code: is("200", "a preflight succeeds"),
    response_parameters: must(
      "the headers that a browser asks for",
      (value) =>
        CORS_HEADERS.every((name) => namesIn(value).includes(name)) &&
        namesIn(value).includes("method.response.header.Cache-Control") &&
        Object.values(value as object).every((each) => each === true),
    ),
  },
  aws_api_gateway_integration_response: {
    rest_api_id: OF_ITS_API,
    resource_id: OF_ITS_PATH,
    http_method: OF_ITS_METHOD,
    status_code: refersTo("aws_api_gateway_method_response", "status_code", "a preflight succeeds", (resource) =>
      nameOf(resource).replace(/integration_response$/, "method_response"),
    ),
    response_parameters: must("the headers of its method response, with values", (value, resource, world) => {
      const method = neighbour(
        world,
        resource,
        "aws_api_gateway_method_response",
        nameOf(resource).replace(/integration_response$/, "method_response"),
      );
      return (
        namesIn(value).join() === namesIn(method?.values["response_parameters"]).join() &&
        Object.values(value as object).every((header) => /^'.+'$/.test(String(header))) &&
        fieldsOf(value)["method.response.header.Access-Control-Allow-Origin"] === "'*'" &&
        fieldsOf(value)["method.response.header.Cache-Control"] === "'no-store'"
      );
    }),
    depends_on: equals("an integration comes before its response", (resource) => [
      `aws_api_gateway_integration.${nameOf(resource).replace(/_response$/, "")}`,
    ]),
  },
  aws_api_gateway_gateway_response: {
    rest_api_id: OF_ITS_API,
    response_type: must("as it is named", (value, resource) =>
      nameOf(resource).endsWith(`_${String(value).toLowerCase()}`),
    ),
    response_parameters: is(
      { "gatewayresponse.header.Access-Control-Allow-Origin": "'*'" },
      "a browser shows the error",
    ),
    response_templates: is({ "application/json": '{"message":$context.error.messageString}' }, "API Gateway's own"),
  },
  aws_api_gateway_deployment: {
    rest_api_id: OF_ITS_API,
    triggers: must(
      "a change of any route is deployed, and of any attribute: its hash is in test/modules/constructs/resources/rest-api.test.ts",
      (value, resource, world) => {
        const { definition, ...triggers } = fieldsOf(value);
        return /^[0-9a-f]{64}$/.test(String(definition)) && sorted(triggers) === sorted(triggersOf(world, resource));
      },
    ),
    depends_on: must("comes after all that it is a snapshot of", (value, resource, world) => {
      const all = [
        ...ofApi(world, resource, "aws_api_gateway_integration").filter((each) => !isPreflight(each, world)),
        ...ofApi(world, resource, "aws_api_gateway_integration_response"),
        ...ofApi(world, resource, "aws_api_gateway_gateway_response"),
      ].map((each) => `${each.type}.${nameOf(each)}`);
      return Array.isArray(value) && all.every((address) => value.includes(address));
    }),
    "lifecycle.create_before_destroy": is(true, "AWS keeps a deployment that a stage shows"),
  },
  aws_api_gateway_stage: {
    rest_api_id: OF_ITS_API,
    deployment_id: refersTo(
      "aws_api_gateway_deployment",
      "id",
      "shows the newest deployment",
      (resource, world) => `${apiName(resource, world) ?? ""}_deployment`,
    ),
    stage_name: is("live", "part of the address that clients know"),
    "access_log_settings.destination_arn": refersTo(
      "aws_cloudwatch_log_group",
      "arn",
      "has a log group with retention",
      (resource, world) => `${apiName(resource, world) ?? ""}_log_group`,
    ),
    "access_log_settings.format": must(
      "one line of JSON: who, what, when, and how it ended",
      (value) =>
        [
          "requestId",
          "requestTimeEpoch",
          "httpMethod",
          "path",
          "status",
          "identity.userArn",
          "identity.sourceIp",
          "responseLatency",
          "error.responseType",
        ].every((field) => String(value).includes(`$context.${field}`)) && /^\{.*\}$/.test(String(value)),
    ),
  },
  aws_api_gateway_method_settings: {
    rest_api_id: OF_ITS_API,
    stage_name: refersTo(
      "aws_api_gateway_stage",
      "stage_name",
      "is the stage's",
      (resource, world) => `${apiName(resource, world) ?? ""}_stage`,
    ),
    method_path: must("all methods, or the one that it is named after", (value, resource, world) =>
      nameOf(resource) === `${apiName(resource, world) ?? ""}_throttling`
        ? value === "*/*"
        : // API Gateway refuses a path with slashes here.
          /^(~1[^/~]+)+\/[A-Z]+$/.test(String(value)) &&
          nameOf(resource)
            .toLowerCase()
            .includes(String(value).split("/").reverse().slice(0, 1).join("").toLowerCase()),
    ),
    "settings.throttling_rate_limit": must(
      "enough for its callers, less than the account's 10,000",
      (value) => typeof value === "number" && value >= 50 && value <= 1_000,
    ),
    "settings.throttling_burst_limit": must(
      "two seconds at that rate",
      (value, resource) => value === 2 * Number(textAt(resource, "settings.throttling_rate_limit")),
    ),
  },
  aws_cloudfront_origin_access_control: {
    description: FOR_PEOPLE,
    name: STATUS_PAGE_NAME,
    origin_access_control_origin_type: is("s3", "its origin"),
    signing_behavior: is("always", "the bucket is private"),
    signing_protocol: is("sigv4", "the bucket is private"),
  },
  aws_cloudfront_response_headers_policy: {
    comment: FOR_PEOPLE,
    name: STATUS_PAGE_NAME,
    "security_headers_config.content_security_policy.content_security_policy": must(
      "loads nothing from elsewhere",
      (value) =>
        String(value).startsWith("default-src 'none';") &&
        !/https?:|\*|unsafe-eval/.test(String(value)) &&
        String(value)
          .split("; ")
          .every((each) => /^[a-z-]+( 'none'| 'self'| 'unsafe-inline'| data:| 'sha256-[\w+/=]+')+$/.test(each)),
    ),
    "security_headers_config.content_security_policy.override": is(true, "applies"),
    "security_headers_config.content_type_options.override": is(true, "applies"),
    "security_headers_config.frame_options.frame_option": is("DENY", "in no frame"),
    "security_headers_config.frame_options.override": is(true, "applies"),
    "security_headers_config.referrer_policy.referrer_policy": is(
      "no-referrer",
      "tells nobody where readers come from",
    ),
    "security_headers_config.referrer_policy.override": is(true, "applies"),
    "security_headers_config.strict_transport_security.access_control_max_age_sec": is(31_536_000, "TLS for a year"),
    "security_headers_config.strict_transport_security.include_subdomains": is(
      false,
      "an address of CloudFront has none of ours",
    ),
    "security_headers_config.strict_transport_security.override": is(true, "applies"),
  },
  aws_cloudfront_distribution: {
    aliases: indifferent("no domain of its own in this configuration"),
    comment: FOR_PEOPLE,
    default_root_object: is("index.html", "the page"),
    enabled: is(true, "people read it"),
    http_version: is("http2and3", "as fast as it can be"),
    is_ipv6_enabled: is(true, "everywhere"),
    price_class: is("PriceClass_100", "the cheapest; a status page can be some milliseconds slower elsewhere"),
    wait_for_deployment: is(false, "a deployment does not wait ten minutes for it"),
    "default_cache_behavior.allowed_methods": is(["GET", "HEAD"], "is read only"),
    "default_cache_behavior.cached_methods": is(["GET", "HEAD"], "is read only"),
    "default_cache_behavior.cache_policy_id": is("658327ea-f89d-4fab-a63d-7e88639e58f6", "AWS's CachingOptimized"),
    "default_cache_behavior.compress": is(true, "pages are text"),
    "default_cache_behavior.response_headers_policy_id": refersTo(
      "aws_cloudfront_response_headers_policy",
      "id",
      "security headers",
      () => "status_page_headers",
    ),
    "default_cache_behavior.target_origin_id": is("bucket", "the only origin"),
    "default_cache_behavior.viewer_protocol_policy": is("redirect-to-https", "TLS only"),
    "origin.domain_name": refersTo(
      "aws_s3_bucket",
      "bucket_regional_domain_name",
      "the page's bucket",
      () => "status_page_files",
    ),
    "origin.origin_access_control_id": refersTo(
      "aws_cloudfront_origin_access_control",
      "id",
      "reads a private bucket",
      () => "status_page_access",
    ),
    "origin.origin_id": is("bucket", "the only origin"),
    "restrictions.geo_restriction.restriction_type": is("none", "everywhere"),
    "viewer_certificate.cloudfront_default_certificate": is(true, "an address of CloudFront's"),
  },
};

/** Browsers show API Gateway's own errors where they may call at all. */
const areErrorsReadable = (world: World, api: Resource) =>
  !ofApi(world, api, "aws_api_gateway_method").some((method) => isPreflight(method, world)) ||
  ofApi(world, api, "aws_api_gateway_gateway_response").length === 2;

/** Each method that needs no signature is throttled by itself, unless API Gateway answers it. */
const isPublicAsMuchAsMeant = (world: World, api: Resource) =>
  ofApi(world, api, "aws_api_gateway_method").every((method) => {
    const name = nameOf(method);
    return (
      textAt(method, "authorization") !== "NONE" ||
      isPreflight(method, world) ||
      neighbour(world, method, "aws_api_gateway_method_settings", `${name}_throttling`) !== undefined
    );
  });
