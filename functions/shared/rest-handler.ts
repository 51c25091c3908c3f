import type { APIGatewayProxyResult, Context } from "aws-lambda";
import * as z from "zod";

import type { EnvironmentSource } from "./environment";
import { describeIssues, errorMessage } from "./errors";
import { BadRequestError, HttpError } from "./http-errors";
import { onColdStart, type Services } from "./services";

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

/** One request, parsed as its handler wants it. */
export interface RestRequest<Path, Body> {
  readonly path: Path;
  readonly body: Body;
}

export interface RestAnswer {
  /** @default 200 */
  readonly status?: number;
  /** Sent as JSON. */
  readonly body: unknown;
}

export interface RestSchemas<Path, Body> {
  /** Of the parameters in the path. */
  readonly path: z.ZodType<Path>;
  /** Of the JSON in the body; an empty body is undefined. */
  readonly body: z.ZodType<Body>;
}

/**
 * A Lambda handler behind API Gateway's REST proxy. It owns what is common: input parsed (400 with path and reason), errors mapped to
 * answers ({@link HttpError} as it says; any other 500, logged), logs with ids, metrics flushed. `build` is called once, at the
 * first request.
 */
export function restHandler<Environment, Path, Body>(
  parseEnvironment: (source: EnvironmentSource) => Environment,
  schemas: RestSchemas<Path, Body>,
  build: (services: Services<Environment>) => (request: RestRequest<Path, Body>) => Promise<RestAnswer>,
): (event: unknown, context: Context) => Promise<APIGatewayProxyResult> {
  const start = onColdStart(parseEnvironment, build);
  return async (event, context) => {
    const { logger, metrics, work } = start();
    logger.addContext(context);
    try {
      const rest = restEventSchema.parse(event);
      logger.appendKeys({ requestId: rest.requestContext.requestId });
      const request = {
        path: parsed(schemas.path, rest.pathParameters ?? {}, "path"),
        body: parsed(schemas.body, bodyOf(rest), "body"),
      };
      const { status = 200, body } = await work(request);
      logger.info("answered", { status });
      return json(status, body);
    } catch (error) {
      if (error instanceof HttpError) {
        logger.info("answered", { status: error.status, reason: error.message });
        return json(error.status, { error: error.name.replace(/Error$/, ""), message: error.message });
      }
      // An answer is no failed invocation to Lambda: it is the API's own alarm on answers with 5xx that hears of it.
      logger.error("request failed", { error });
      return json(500, { error: "Internal", message: "The request failed; see the logs." });
    } finally {
      metrics.flush();
      logger.resetKeys();
    }
  };
}

function bodyOf({ body, isBase64Encoded }: z.output<typeof restEventSchema>): unknown {
  const text = isBase64Encoded ? Buffer.from(body ?? "", "base64").toString() : (body ?? "");
  if (text === "") return undefined;
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new BadRequestError(`body: is not JSON (${errorMessage(cause)})`, { cause });
  }
}

function parsed<Output>(schema: z.ZodType<Output>, input: unknown, root: string): Output {
  const result = schema.safeParse(input);
  if (result.success) return result.data;
  throw new BadRequestError(`${root}: ${describeIssues(result.error)}`, { cause: result.error });
}

function json(statusCode: number, body: unknown): APIGatewayProxyResult {
  const headers = { "Content-Type": "application/json", "Cache-Control": "no-store" };
  return { statusCode, headers, body: JSON.stringify(body) };
}
