/** An OpenAPI document from routes and zod schemas. */
import * as z from "zod";
import {
  BadRequestError,
  ConflictError,
  errorSchema,
  ForbiddenError,
  NotFoundError,
  PayloadTooLargeError,
  TooManyRequestsError,
  UnauthorizedError,
  UnavailableError,
  type HttpError,
} from "../../../../functions/shared/handlers/http-errors";

/** When each error is the answer. */
const ERRORS = {
  badRequest: [new BadRequestError(""), "Invalid. The message has the field and the reason"],
  badPut: [new BadRequestError(""), "Invalid. The message has the field and the reason; without a body, it is text"],
  unauthorized: [new UnauthorizedError(""), "The signature is missing, wrong or too old"],
  forbidden: [new ForbiddenError(""), "Not signed, not allowed, or no such path"],
  notFound: [new NotFoundError(""), "There is none with this id"],
  conflict: [new ConflictError(""), "The stored item does not allow it"],
  tooLarge: [new PayloadTooLargeError(""), "The body is too large"],
  tooMany: [new TooManyRequestsError(""), "More requests than the limit. Retry"],
  unavailable: [new UnavailableError(""), "A dependency is not available. Retry: every request is idempotent"],
} satisfies Readonly<Record<string, readonly [HttpError, description: string]>>;

export interface Answer {
  readonly description: string;
  readonly schema: z.ZodType;
}

/** One method of one path. */
export interface Operation {
  /** Unique in its document: `putPeriodic`. */
  readonly id: string;
  readonly summary: string;
  readonly description?: string;
  /** Of the query's fields. */
  readonly query?: z.ZodObject;
  /** Of headers. */
  readonly headers?: z.ZodObject;
  readonly body?: z.ZodType;
  /** @default true */
  readonly isBodyRequired?: boolean;
  /** By status. */
  readonly answers: Readonly<Record<number, Answer>>;
  /** @default those of every signed request */
  readonly errors?: readonly (keyof typeof ERRORS)[];
  /** False: the sender's signature is in a header of its own. @default true: AWS Signature Version 4 */
  readonly isSigned?: boolean;
}

export interface Api {
  readonly title: string;
  readonly description: string;
  /** Of the parameters in paths: `id`. */
  readonly parameters: Readonly<Record<string, z.ZodType>>;
  /** Schemas that several operations share, by name. */
  readonly schemas: Readonly<Record<string, z.ZodType>>;
  /** By route: `PUT /periodic/{id}`. */
  readonly operations: Readonly<Record<string, Operation>>;
}

const OF_SIGNED = ["forbidden", "tooMany", "unavailable"] as const;

/** Of each operation whose requests are signed. */
export const SIGNED_ERRORS = ["badRequest", ...OF_SIGNED] as const;

/** Of a PUT of a timer. */
export const PUT_ERRORS = ["badPut", ...OF_SIGNED, "conflict"] as const;

const SERVER = {
  url: "https://{api}.execute-api.{region}.amazonaws.com/live",
  variables: { api: { default: "api" }, region: { default: "eu-central-1" } },
};

const SIGV4 = {
  type: "apiKey",
  name: "Authorization",
  in: "header",
  description: "AWS Signature Version 4, service execute-api",
  "x-amazon-apigateway-authtype": "awsSigv4",
};

export function openapiDocument({ title, description, parameters, schemas, operations }: Api): string {
  const names = new Map<unknown, string>(Object.entries(schemas).map(([name, schema]) => [schema, name]));
  const reference = (schema: z.ZodType, io: Direction): object => {
    const name = names.get(schema);
    return name === undefined ? jsonSchema(schema, io, names) : { $ref: `#/components/schemas/${name}` };
  };
  const paths: Record<string, Record<string, object>> = {};
  for (const [route, operation] of Object.entries(operations)) {
    const [method = "", path = ""] = route.split(" ");
    paths[path] ??= {
      parameters: [...path.matchAll(/\{(\w+)\}/g)].map(([, name = ""]) => ({
        ...{ name, in: "path", required: true },
        schema: reference(parameters[name] ?? z.string(), "input"),
      })),
    };
    paths[path][method.toLowerCase()] = operationObject(operation, reference);
  }
  const document = {
    openapi: "3.1.0",
    info: { title, description, version: "1" },
    servers: [SERVER],
    paths,
    components: {
      securitySchemes: { sigv4: SIGV4 },
      responses: Object.fromEntries(
        Object.entries(ERRORS).map(([name, [error, text]]) => [name, errorResponse(error, text, name === "badPut")]),
      ),
      schemas: {
        Error: jsonSchema(errorSchema, "output", names),
        ...Object.fromEntries(
          Object.entries(schemas).map(([name, schema]) => [name, jsonSchema(schema, "input", names)]),
        ),
      },
    },
  };
  return `${JSON.stringify(document, undefined, 2)}\n`;
}

type Direction = "input" | "output";
type Reference = (schema: z.ZodType, io: Direction) => object;

function operationObject(operation: Operation, reference: Reference): object {
  const {
    id,
    summary,
    description,
    query,
    headers,
    body,
    isBodyRequired = true,
    answers,
    errors,
    isSigned = true,
  } = operation;
  const parameters = [...parametersOf("query", query), ...parametersOf("header", headers)];
  return {
    operationId: id,
    summary,
    ...(description !== undefined && { description }),
    security: isSigned ? [{ sigv4: [] }] : [],
    ...(parameters.length > 0 && { parameters }),
    ...(body && { requestBody: { required: isBodyRequired, content: content(reference(body, "input")) } }),
    responses: {
      ...Object.fromEntries(
        Object.entries(answers).map(([status, answer]) => [
          status,
          { description: answer.description, content: content(reference(answer.schema, "output")) },
        ]),
      ),
      ...Object.fromEntries(
        (errors ?? SIGNED_ERRORS).map((name) => [ERRORS[name][0].status, { $ref: `#/components/responses/${name}` }]),
      ),
    },
  };
}

/** The body of a 403 is API Gateway's, or that of a scope. @param isAlsoText as the legacy timer service answers */
function errorResponse({ status }: HttpError, description: string, isAlsoText: boolean): object {
  if (status === 403) return { description };
  const json = content({ $ref: "#/components/schemas/Error" });
  return { description, content: { ...json, ...(isAlsoText && { "text/plain": { schema: { type: "string" } } }) } };
}

function parametersOf(place: "query" | "header", fields: z.ZodObject | undefined): readonly object[] {
  const { properties = {}, required = [] } = z.toJSONSchema(fields ?? z.object({}), {
    io: "input",
    unrepresentable: "any",
  });
  return Object.entries(properties).map(([name, schema]) => ({
    ...{ name, in: place, required: required.includes(name) },
    schema,
  }));
}

const content = (schema: object) => ({ "application/json": { schema } });

/** As OpenAPI 3.1 has it: JSON Schema 2020-12. Shared schemas inside of it are references. */
function jsonSchema(schema: z.ZodType, io: Direction, names: ReadonlyMap<unknown, string>): object {
  const root: unknown = schema;
  const { $schema: _, ...json } = z.toJSONSchema(schema, {
    io,
    unrepresentable: "any",
    override: ({ zodSchema, jsonSchema: written }) => {
      const name = zodSchema === root ? undefined : names.get(zodSchema);
      if (name === undefined) return;
      for (const key of Object.keys(written)) Reflect.deleteProperty(written, key);
      written.$ref = `#/components/schemas/${name}`;
    },
  });
  return json;
}
