/** Makes a handler for API Gateway's REST proxy: parses requests, maps errors to responses. */
import { isUtf8 } from "node:buffer";

import type { APIGatewayProxyResult, Context } from "aws-lambda";
import * as z from "zod";

import { awsHttpError } from "../aws/aws-errors";
import type { EnvironmentSchema } from "../environment";
import { errorMessage } from "../errors";
import { groupBy } from "../group-by";
import { JsonSyntaxError, parseInput, parseJson, SchemaError } from "../input";
import { hasDuplicateNames, isDeeperThan, jsonText } from "../json-text";
import { visible } from "../text";
import { BadRequestError, HttpError, NotFoundError } from "./http-errors";
import { checkBodySize } from "./response-size";
import { scopeOf, type Scope, type Scopes } from "./scopes";
import { invoke, onColdStart, type Services } from "./services";

/** The event of API Gateway's REST proxy, as far as handlers use it. */
const restEventSchema = z.object({
  httpMethod: z.string(),
  resource: z.string(),
  /** As it was requested. */
  path: z.string().nullish(),
  headers: z.record(z.string(), z.string()).nullish(),
  /** Those that are sent several times have all their values here, and the last one in `headers`. */
  multiValueHeaders: z.record(z.string(), z.array(z.string())).nullish(),
  pathParameters: z.record(z.string(), z.string()).nullish(),
  queryStringParameters: z.record(z.string(), z.string()).nullish(),
  /** As with headers. */
  multiValueQueryStringParameters: z.record(z.string(), z.array(z.string())).nullish(),
  body: z.string().nullish(),
  isBase64Encoded: z.boolean().default(false),
  requestContext: z.looseObject({
    requestId: z.string(),
    identity: z.looseObject({ userArn: z.string().nullish() }).nullish(),
  }),
});
type RestEvent = z.output<typeof restEventSchema>;

/** A request before validation. */
export interface RawRequest {
  /** The ids that the caller may name. `path.id` is checked already. */
  readonly scope: Scope;
  /** The ARN of the request's signer. Undefined where requests are not signed. */
  readonly caller?: string | undefined;
  /** Path parameters by name, decoded. */
  readonly path: Readonly<Record<string, string>>;
  /** Refused, when it is read, if a parameter has several values. */
  readonly query: Readonly<Record<string, string>>;
  /** By name in lower case. Different values of one name are joined with commas, as HTTP defines it. */
  readonly headers: Readonly<Record<string, string>>;
  /** Lambda's timeout, epoch milliseconds. */
  readonly deadline: number;
  /** The parsed JSON; undefined for an empty body. Parsed, or refused, when it is read. */
  readonly body: unknown;
  /** The body as it was sent. Its numbers have all their digits. */
  readonly text: string;
}

export interface RestResponse {
  /** @default 200 */
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON. */
  readonly body: unknown;
}

export type Endpoint = (request: RawRequest) => Promise<RestResponse>;

/** Validates requests. Responds with 400 and the faults to invalid ones. */
export function endpoint<Request>(
  schema: z.ZodType<Request>,
  respond: (request: Request, scope: Scope) => Promise<RestResponse>,
): Endpoint {
  return (raw) => respond(validRequest(schema, raw), raw.scope);
}

/** @throws {@link BadRequestError} */
function validRequest<Request>(schema: z.ZodType<Request>, raw: RawRequest): Request {
  try {
    return parseInput(schema, raw);
  } catch (error) {
    throw error instanceof SchemaError ? new BadRequestError(error.message) : error;
  }
}

export interface RestOptions<Environment> {
  /** Lets browsers on any origin read responses. API Gateway answers their preflight requests. @default false */
  readonly cors?: boolean;
  /** Limits the ids that each caller may name. @default every caller may name every id */
  readonly scopes?: (environment: Environment) => Scopes | undefined;
  /** Path parameters that are secrets: not in the logs. @default none */
  readonly secretParameters?: readonly string[];
}

/**
 * A Lambda handler for API Gateway's REST proxy. `build` runs once, on cold start, and returns the endpoints by route:
 * `{"GET /bells/{id}": endpoint(...)}`. Maps errors to responses: {@link HttpError} to its status, throttling by AWS to 429, an
 * unavailable AWS service to 503, every other error to 500. Logs 5xx, adds IDs to logs, flushes metrics.
 */
export function restHandler<Environment>(
  schema: EnvironmentSchema<Environment>,
  build: (services: Services<Environment>) => Readonly<Record<string, Endpoint>>,
  { cors = false, scopes, secretParameters = [] }: RestOptions<Environment> = {},
): (event: unknown, context: Context) => Promise<APIGatewayProxyResult> {
  const start = onColdStart(schema, (services) => ({
    endpoints: build(services),
    scopes: scopes?.(services.environment),
  }));
  const corsHeaders = cors ? { "Access-Control-Allow-Origin": "*" } : {};
  return (event, context) =>
    invoke(start, context, async ({ logger, work }, deadline) => {
      try {
        const rest = parseInput(restEventSchema, event);
        // Path parameters are ids: of a timer, of a task.
        const ids = Object.entries(rest.pathParameters ?? {}).filter(([name]) => !secretParameters.includes(name));
        logger.appendKeys({ requestId: rest.requestContext.requestId, ...Object.fromEntries(ids) });
        const route = `${rest.httpMethod} ${rest.resource}`;
        const respond = work.endpoints[route];
        if (respond === undefined) throw new NotFoundError("there is no such route");
        // Its fixed segments as well: a policy names them, too.
        for (const segment of rest.path?.split("/") ?? []) decodeSegment(segment, "path");
        const { status = 200, headers, body } = await respond(requestOf(rest, work.scopes, deadline));
        const answer = json(status, body, { ...corsHeaders, ...headers });
        logger.info("responded", { route, status });
        return answer;
      } catch (error) {
        const { plain, status, headers, body } = errorResponse(error);
        // Lambda's Errors metric does not count responses. The API's alarm for 5xx does.
        if (status >= 500) logger.error("request failed", { error });
        else logger.info("responded", { status, reason: errorMessage(error) });
        return plain
          ? text(status, String(body), { ...corsHeaders, ...headers })
          : json(status, body, { ...corsHeaders, ...headers });
      }
    });
}

export interface ErrorResponse extends Required<RestResponse> {
  /** True when the body is plain text instead of JSON. */
  readonly plain: boolean;
}

/** Never contains details of an unexpected error. */
export function errorResponse(error: unknown): ErrorResponse {
  const httpError = error instanceof HttpError ? error : awsHttpError(error);
  if (httpError === undefined) {
    const body = { error: "Internal", message: "The request failed; see the logs." };
    return { status: 500, headers: {}, body, plain: false };
  }
  const { name, status, headers, plain } = httpError;
  const message = visible(httpError.message);
  const body = plain ? message : { error: name.replace(/Error$/, ""), message };
  return { status, headers, body, plain };
}

/** @throws {@link BadRequestError}, {@link ForbiddenError} */
function requestOf(
  { pathParameters, body, isBase64Encoded, requestContext, ...event }: RestEvent,
  scopes: Scopes | undefined,
  deadline: number,
): RawRequest {
  const content = isBase64Encoded ? decodeUtf8(Buffer.from(body ?? "", "base64")) : (body ?? "");
  const path = Object.fromEntries(
    Object.entries(pathParameters ?? {}).map(([name, value]) => [name, decodeSegment(value, `path.${name}`)]),
  );
  const scope = scopeOf(requestContext.identity?.userArn ?? undefined, scopes);
  if (path["id"] !== undefined) scope.check(path["id"]);
  return {
    scope,
    caller: requestContext.identity?.userArn ?? undefined,
    path,
    get query() {
      return queryOf(event);
    },
    headers: headersOf(event),
    deadline,
    // A body that must be authentic is not parsed before its signature is verified.
    get body() {
      return jsonOf(content);
    },
    text: content,
  };
}

/** @throws {@link BadRequestError} */
function queryOf({
  queryStringParameters,
  multiValueQueryStringParameters,
}: Pick<RestEvent, "queryStringParameters" | "multiValueQueryStringParameters">): Readonly<Record<string, string>> {
  if (Object.values(multiValueQueryStringParameters ?? {}).some((values) => values.length > 1))
    throw new BadRequestError("query: has a parameter more than once");
  return queryStringParameters ?? {};
}

function headersOf({
  headers,
  multiValueHeaders,
}: Pick<RestEvent, "headers" | "multiValueHeaders">): Readonly<Record<string, string>> {
  const sent = [...Object.entries(headers ?? {}), ...Object.entries(multiValueHeaders ?? {})];
  const byName = groupBy(sent, ([name]) => name.toLowerCase());
  return Object.fromEntries(
    [...byName].map(([name, same]) => [name, [...new Set(same.flatMap(([, values]) => values))].join(", ")]),
  );
}

/** Replaces no octet: a text in another encoding would lose its letters. @throws {@link BadRequestError} */
function decodeUtf8(octets: Buffer): string {
  if (!isUtf8(octets)) throw new BadRequestError("body: is not UTF-8");
  return octets.toString();
}

/**
 * A segment of a path, decoded once. IAM judges the path before: with `%70rod-x` for `prod-x`, a policy that denies `prod-*` would not
 * apply. So what needs no encoding (RFC 3986, 2.3) may have none, whether API Gateway has decoded the path already or not.
 *
 * @throws {@link BadRequestError}
 */
function decodeSegment(segment: string, where: string): string {
  const encoded = segment.match(/%[\dA-Fa-f]{2}/g) ?? [];
  if (encoded.length === 0) return segment;
  if (encoded.some((octet) => UNRESERVED.test(String.fromCharCode(parseInt(octet.slice(1), 16)))))
    throw new BadRequestError(`${where}: has percent-encoded characters that need no encoding`);
  try {
    return decodeURIComponent(segment);
  } catch {
    throw new BadRequestError(`${where}: is not percent-encoded UTF-8`);
  }
}

const UNRESERVED = /^[\w.~-]$/;

/** Schemas and JSON.stringify recurse. Endpoints have limits of their own for what they store. */
const MAX_DEPTH = 200;

function jsonOf(content: string): unknown {
  if (content === "") return undefined;
  try {
    const body = parseJson(content);
    if (isDeeperThan(MAX_DEPTH, content))
      throw new BadRequestError(`body: is nested more than ${MAX_DEPTH} levels deep`);
    if (hasDuplicateNames(content)) throw new BadRequestError("body: has a name that stands twice in its object");
    return body;
  } catch (error) {
    if (error instanceof JsonSyntaxError) throw new BadRequestError(`body: ${error.message}`);
    throw error;
  }
}

type Headers = Readonly<Record<string, string>>;

function json(statusCode: number, body: unknown, headers: Headers): APIGatewayProxyResult {
  return response(statusCode, jsonText(body), { "Content-Type": "application/json", ...headers });
}

function text(statusCode: number, body: string, headers: Headers): APIGatewayProxyResult {
  return response(statusCode, body, { "Content-Type": "text/plain; charset=utf-8", ...headers });
}

/** @throws {@link ResponseTooLargeError} */
function response(statusCode: number, body: string, headers: Headers): APIGatewayProxyResult {
  checkBodySize(body);
  return { statusCode, headers: { "Cache-Control": "no-store", ...headers }, body };
}
