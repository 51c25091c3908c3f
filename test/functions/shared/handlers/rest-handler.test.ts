import * as z from "zod";

import { environmentSchema } from "../../../../functions/shared/environment";
import { ConflictError } from "../../../../functions/shared/handlers/http-errors";
import {
  endpoint,
  restHandler,
  type Endpoint,
  type RestOptions,
} from "../../../../functions/shared/handlers/rest-handler";
import { lambdaContext, setupHandler } from "../../../support/lambda";

const bellSchema = z.object({
  path: z.object({ id: z.string() }),
  query: z.object({ loud: z.literal("yes").optional() }),
  body: z.object({ hour: z.int().max(23) }),
});

describe("a handler behind API Gateway", () => {
  const output = setupHandler("bells");

  const call = (answer: Endpoint, fields: object = {}, options: RestOptions<unknown> = {}) => {
    const handler = restHandler(environmentSchema({}), () => ({ "PUT /bells/{id}": answer }), options);
    const event = {
      httpMethod: "PUT",
      resource: "/bells/{id}",
      pathParameters: { id: "big" },
      queryStringParameters: null,
      body: '{"hour":7}',
      requestContext: { requestId: "request-1" },
      ...fields,
    };
    return handler(event, lambdaContext());
  };
  const echo = endpoint(bellSchema, (request) => Promise.resolve({ status: 201, body: request }));
  const failing =
    (error: unknown): Endpoint =>
    () =>
      // oxlint-disable-next-line typescript/prefer-promise-reject-errors -- anything may be thrown
      Promise.reject(error);

  it("passes the parsed request to the route's endpoint, and responds in JSON", async () => {
    expect(await call(echo, { queryStringParameters: { loud: "yes" } })).toEqual({
      statusCode: 201,
      headers: { "Content-Type": "application/json", "Cache-Control": "no-store" },
      body: '{"path":{"id":"big"},"query":{"loud":"yes"},"body":{"hour":7}}',
    });
    expect(await call(echo, { body: btoa('{"hour":8}'), isBase64Encoded: true })).toMatchObject({ statusCode: 201 });
  });

  it.each<[object, RegExp]>([
    [{ body: '{"hour":24}' }, /^body\.hour: Too big: expected number to be <=23$/],
    [{ body: '{"hour":7,"hour":8}' }, /^body: has a name that stands twice in its object$/],
    [{ body: '{"hour":7,"at":[{"n":1,"\\u006e":2}]}' }, /^body: has a name that stands twice in its object$/],
    [{ body: '\ufeff{"hour":7}' }, /^body: is not JSON/],
    [{ body: '{"hour":7}{"hour":8}' }, /^body: is not JSON/],
    [{ multiValueQueryStringParameters: { loud: ["yes", "no"] } }, /^query: has a parameter more than once$/],
    [{ multiValueQueryStringParameters: { loud: ["yes", "yes"] } }, /^query: has a parameter more than once$/],
    [{ body: "{" }, /^body: is not JSON \(.*position 1/],
    [{ pathParameters: null }, /^path\.id: Invalid input: expected string/],
  ])("rejects %j, with the path and the reason", async (fields, message) => {
    const { statusCode, body } = await call(echo, fields);
    expect([statusCode, JSON.parse(body)]).toEqual([
      400,
      { error: "BadRequest", message: expect.stringMatching(message) as unknown },
    ]);
  });

  it.each([
    ["a", "a"],
    ["a%3Ab%2Fc", "a:b/c"],
    ["100%", "100%"],
    ["%C3%BC", "ü"],
    ["%2520", "%20"],
  ])("decodes the path once: %s", async (id, decoded) => {
    const { statusCode, body } = await call(echo, { pathParameters: { id } });
    expect([statusCode, JSON.parse(body)]).toMatchObject([201, { path: { id: decoded } }]);
  });

  it.each(["%70rod-x", "p%72od", "a%2Db", "%2E%2E", "%C3%28", "%ff"])(
    "rejects a path that a policy would not recognise: %s",
    async (id) => {
      expect(await call(echo, { pathParameters: { id } })).toMatchObject({
        statusCode: 400,
        body: expect.stringMatching(/"path\.id: (has percent-encoded|is not percent-encoded)/) as unknown,
      });
    },
  );

  it.each(["/b%65lls/a", "/bells/%61", "/bells/a/%66ire", "/%62ells", "/bells/%ff"])(
    "rejects a route that a policy would not recognise: %s",
    async (path) => {
      expect(await call(echo, { path })).toMatchObject({ statusCode: 400 });
    },
  );

  it.each(["/bells/a", "/bells/a%2Fb", "/bells/a%20b", "/bells/100%"])(
    "knows a route however it is written: %s",
    async (path) => {
      expect(await call(echo, { path })).toMatchObject({ statusCode: 201 });
    },
  );

  it.each([
    { body: '{"hour":S3cr3t}' },
    { body: "S3cr3t" },
    { body: '{"hour":"S3cr3t","S3cr3t":1}' },
    { queryStringParameters: { loud: "S3cr3t", S3cr3t: "S3cr3t" } },
    { httpMethod: "S3cr3t" },
  ])("quotes nothing that was sent, in answers and in logs: %j", async (fields) => {
    const { statusCode, body } = await call(echo, fields);
    expect(statusCode).toBeGreaterThanOrEqual(400);
    expect(body).not.toContain("S3cr3t");
    expect(JSON.stringify(output.lines())).not.toContain("S3cr3t");
  });

  it("encodes what it logs and answers: no line, no ESC, no reordering", async () => {
    const hostile = "\u001b[2J\u202eorder\u009b";
    const { body } = await call(failing(new ConflictError(hostile)), { pathParameters: { id: hostile } });
    expect(JSON.parse(body)).toEqual({ error: "Conflict", message: "\ufffd[2J\ufffdorder\ufffd" });
    const logged = JSON.stringify(output.lines());
    for (const character of ["\\u001b", "\u009b", "\u202e"]) expect(logged).not.toContain(character);
  });

  it("responds 404 for other routes", async () => {
    expect(await call(echo, { httpMethod: "PATCH" })).toMatchObject({ statusCode: 404 });
  });

  it.each<[string, unknown, number, object]>([
    ["an HttpError", new ConflictError("overtaken"), 409, { error: "Conflict", message: "overtaken" }],
    ["AWS's throttling", awsError("ThrottlingException", 400), 429, { error: "TooManyRequests" }],
    ["a fault at AWS", awsError("InternalServerError", 500), 503, { error: "Unavailable" }],
    ["no response", Object.assign(new Error("read"), { code: "ECONNRESET" }), 503, { error: "Unavailable" }],
    ["no response in time", Object.assign(new Error("late"), { name: "TimeoutError" }), 503, { error: "Unavailable" }],
    ["a request that AWS rejects", awsError("ValidationException", 400), 500, { error: "Internal" }],
    ["a bug", new TypeError("secret of undefined"), 500, { error: "Internal" }],
    ["a thrown string", "secret", 500, { error: "Internal" }],
  ])("maps an error to a response without details: %s", async (_, error, status, expected) => {
    const { statusCode, headers, body } = await call(failing(error));
    expect([statusCode, JSON.parse(body)]).toMatchObject([status, expected]);
    expect(body).not.toMatch(/secret|AWS|\.ts/);
    expect(headers?.["Retry-After"]).toBe(status === 429 || status === 503 ? "1" : undefined);
    expect(output.lines()).toContainEqual(
      expect.objectContaining({ level: status >= 500 ? "ERROR" : "INFO", requestId: "request-1" }),
    );
  });

  it("refuses an id that is not in the caller's scope", async () => {
    const options = { scopes: () => ({ "arn:aws:iam::111122223333:role/ringer": ["big"] }) };
    const as = (role: string, id: string) =>
      call(
        echo,
        {
          pathParameters: { id },
          requestContext: {
            requestId: "request-1",
            identity: { userArn: `arn:aws:sts::111122223333:assumed-role/${role}/session` },
          },
        },
        options,
      );
    expect(await as("ringer", "bigger")).toMatchObject({ statusCode: 201 });
    expect(await as("ringer", "small")).toMatchObject({
      statusCode: 403,
      body: '{"error":"Forbidden","message":"the caller\'s scope does not include this id"}',
    });
    expect(await as("guest", "big")).toMatchObject({ statusCode: 403 });
    expect(await call(echo, {}, options)).toMatchObject({ statusCode: 403 });
  });

  it("leaves preflight requests to API Gateway", async () => {
    expect(await call(echo, { httpMethod: "OPTIONS" }, { cors: true })).toMatchObject({ statusCode: 404 });
  });

  it.each<[string, Endpoint]>([
    ["good", echo],
    ["bad", failing(new ConflictError("no"))],
    ["ugly", failing(new Error("no"))],
  ])("lets other origins read every response then, %s ones too", async (_, answer) => {
    expect((await call(answer, {}, { cors: true })).headers).toMatchObject({ "Access-Control-Allow-Origin": "*" });
    expect((await call(answer)).headers).not.toHaveProperty("Access-Control-Allow-Origin");
  });
});

function awsError(name: string, httpStatusCode: number): Error {
  return Object.assign(new Error("AWS says: no"), { name, $metadata: { httpStatusCode } });
}
