import type { APIGatewayProxyResult, Context } from "aws-lambda";
import * as z from "zod";

import { awsHttpError } from "../aws/aws-errors";
import type { EnvironmentSchema } from "../environment";
import { describeIssues, errorMessage } from "../errors";
import { BadRequestError, HttpError, NotFoundError } from "./http-errors";
import { invoke, onColdStart, type Services } from "./services";

/** What API Gateway's REST proxy sends, as far as it is looked at. */
const restEventSchema = z.object({
  httpMethod: z.string(),
  resource: z.string(),
  pathParameters: z.record(z.string(), z.string()).nullish(),
  queryStringParameters: z.record(z.string(), z.string()).nullish(),
  body: z.string().nullish(),
  isBase64Encoded: z.boolean().default(false),
  requestContext: z.looseObject({ requestId: z.string() }),
});
type RestEvent = z.output<typeof restEventSchema>;

/** What a request consists of, before it is parsed. */
export interface RawRequest {
  /** Parameters in the path, by name. */
  readonly path: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, string>>;
  /** The JSON in the body; an empty body is undefined. */
  readonly body: unknown;
  /** The body as it was sent: numbers in it have all their digits. */
  readonly text: string;
}

export interface RestAnswer {
  /** @default 200 */
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON. */
  readonly body: unknown;
}

/** What answers one method of one path. */
export type Endpoint = (request: RawRequest) => Promise<RestAnswer>;

/** An endpoint that is given its request parsed: what its schema refuses is answered with 400, the path and the reason. */
export function endpoint<Request>(
  schema: z.ZodType<Request>,
  work: (request: Request) => Promise<RestAnswer>,
): Endpoint {
  return (raw) => {
    const parsed = schema.safeParse(raw);
    if (!parsed.success) throw new BadRequestError(describeIssues(parsed.error), { cause: parsed.error });
    return work(parsed.data);
  };
}

/** What browsers on other sites are allowed. */
export interface Cors {
  /** `OPTIONS,PUT,GET,DELETE` */
  readonly methods: string;
  /** `Content-Type` */
  readonly headers: string;
}

export interface RestOptions {
  /** Answers OPTIONS, and lets browsers on any site read every answer. @default none: only its own site's may */
  readonly cors?: Cors;
}

/**
 * A Lambda handler behind API Gateway's REST proxy, for the routes that `build` gives endpoints for: `{"GET /bells/{id}": endpoint(...)}`.
 * It owns what is common: errors mapped to answers ({@link HttpError} as it says; AWS's throttling 429 and its absence 503; any other
 * 500, logged), logs with ids, metrics flushed. `build` is called once, at the first request.
 */
export function restHandler<Environment>(
  schema: EnvironmentSchema<Environment>,
  build: (services: Services<Environment>) => Readonly<Record<string, Endpoint>>,
  { cors }: RestOptions = {},
): (event: unknown, context: Context) => Promise<APIGatewayProxyResult> {
  const start = onColdStart(schema, build);
  const always = cors === undefined ? {} : { "Access-Control-Allow-Origin": "*" };
  return (event, context) =>
    invoke(start, context, async ({ logger, work: endpoints }) => {
      try {
        const rest = restEventSchema.parse(event);
        logger.appendKeys({ requestId: rest.requestContext.requestId });
        if (cors !== undefined && rest.httpMethod === "OPTIONS") return preflight(cors, always);
        const route = `${rest.httpMethod} ${rest.resource}`;
        const answerTo = endpoints[route];
        if (answerTo === undefined) throw new NotFoundError(`nothing answers ${route}`);
        const { status = 200, headers, body } = await answerTo(requestOf(rest));
        logger.info("answered", { route, status });
        return json(status, body, { ...always, ...headers });
      } catch (error) {
        const { isOurs, plain, status, headers, body } = failureOf(error);
        // An answer is no failed invocation to Lambda: it is the API's own alarm on answers with 5xx that hears of it.
        if (isOurs) logger.error("request failed", { error });
        else logger.info("answered", { status, reason: errorMessage(error) });
        return plain
          ? text(status, String(body), { ...always, ...headers })
          : json(status, body, { ...always, ...headers });
      }
    });
}

/** An error as its answer. */
export interface Failure extends Required<RestAnswer> {
  /** True: somebody here has to look at it, so it belongs into the logs. */
  readonly isOurs: boolean;
  /** True: the body is text, and is sent as it is. */
  readonly plain: boolean;
}

/** What a caller is told of an error: whatever it was, no more than that. */
export function failureOf(error: unknown): Failure {
  const told = error instanceof HttpError ? error : awsHttpError(error);
  if (told === undefined) {
    const body = { error: "Internal", message: "The request failed; see the logs." };
    return { status: 500, headers: {}, body, plain: false, isOurs: true };
  }
  const { name, message, status, headers, plain } = told;
  const body = plain ? message : { error: name.replace(/Error$/, ""), message };
  return { status, headers, body, plain, isOurs: status >= 500 };
}

function requestOf({ pathParameters, queryStringParameters, body, isBase64Encoded }: RestEvent): RawRequest {
  const content = isBase64Encoded ? Buffer.from(body ?? "", "base64").toString() : (body ?? "");
  return { path: pathParameters ?? {}, query: queryStringParameters ?? {}, body: jsonOf(content), text: content };
}

function jsonOf(content: string): unknown {
  if (content === "") return undefined;
  try {
    return JSON.parse(content);
  } catch (cause) {
    throw new BadRequestError(`body: is not JSON (${errorMessage(cause)})`, { cause });
  }
}

type Headers = Readonly<Record<string, string>>;

function json(statusCode: number, body: unknown, headers: Headers): APIGatewayProxyResult {
  return answer(statusCode, JSON.stringify(body), { "Content-Type": "application/json", ...headers });
}

function text(statusCode: number, body: string, headers: Headers): APIGatewayProxyResult {
  return answer(statusCode, body, { "Content-Type": "text/plain; charset=utf-8", ...headers });
}

function preflight({ methods, headers }: Cors, always: Headers): APIGatewayProxyResult {
  return answer(200, "", {
    ...always,
    "Access-Control-Allow-Methods": methods,
    "Access-Control-Allow-Headers": headers,
  });
}

function answer(statusCode: number, body: string, headers: Headers): APIGatewayProxyResult {
  return { statusCode, headers: { "Cache-Control": "no-store", ...headers }, body };
}
