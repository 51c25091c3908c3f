import { readFileSync } from "node:fs";
import { Ajv2020 } from "ajv/dist/2020";
import * as z from "zod";
import { errorResponse, type Endpoint } from "../../../functions/shared/handlers/rest-handler";
import { BadRequestError, UnauthorizedError } from "../../../functions/shared/handlers/http-errors";
import { scopeOf } from "../../../functions/shared/handlers/scopes";
import { jsonText } from "../../../functions/shared/json-text";
import { timerRoutes } from "../../../functions/timers/api/routes";
import { API_ROUTES } from "../../../functions/timers/contract";
import { API_ROUTES as WORKFLOW_ROUTES, OWN_ROUTES } from "../../../functions/workflows/contract";
import { openapiDocuments } from "../../../scripts/dev/docs/openapi";
import { fakeTimers } from "../../support/fake-timers";

const contentSchema = z.object({ content: z.object({ "application/json": z.object({ schema: z.looseObject({}) }) }) });
const operationSchema = z.looseObject({
  operationId: z.string(),
  requestBody: contentSchema.optional(),
  responses: z.record(z.string(), z.looseObject({})),
});
const documentSchema = z.looseObject({
  paths: z.record(
    z.string(),
    z
      .looseObject({ parameters: z.array(z.unknown()) })
      .transform(({ parameters: _, ...operations }) => z.record(z.string(), operationSchema).parse(operations)),
  ),
  components: z.looseObject({ schemas: z.looseObject({}) }),
});
type Document = z.output<typeof documentSchema>;

const documents = openapiDocuments();
const documentOf = (feature: string) =>
  documentSchema.parse(JSON.parse(documents[`docs/openapi/${feature}.json`] ?? "{}"));

const routesOf = (document: Document) =>
  Object.entries(document.paths)
    .flatMap(([path, operations]) => Object.keys(operations).map((method) => `${method.toUpperCase()} ${path}`))
    .sort();

/** Whether a value is as a schema of the document has it. */
function accepts(document: Document, schema: object, value: unknown): boolean {
  const ajv = new Ajv2020({ strict: false, validateFormats: false });
  return ajv.compile({ ...schema, components: document.components })(value);
}

describe("the OpenAPI documents", () => {
  it.each(Object.entries(documents))("are current (node scripts/launcher/dev.mjs docs): %s", (file, document) => {
    expect(readFileSync(file, "utf8")).toBe(document);
  });

  it.each(Object.entries(documents))("refer to what they have, and name each operation once: %s", (_, text) => {
    const document: unknown = JSON.parse(text);
    for (const [, path = ""] of text.matchAll(/"\$ref": "#\/([^"]+)"/g)) {
      let found: unknown = document;
      for (const name of path.split("/")) found = z.record(z.string(), z.unknown()).parse(found)[name];
      expect(found).toBeDefined();
    }
    const ids = [...text.matchAll(/"operationId": "(\w+)"/g)].map(([, id]) => id);
    expect(new Set(ids).size).toBe(ids.length);
  });
});

describe("the API of pipelines", () => {
  const document = documentOf("pipelines");
  const responses = (path: string) => document.paths[path]?.["post"]?.responses ?? {};

  it("has each response", () => {
    expect(Object.keys(responses("/pipelines/{pipeline}"))).toEqual(["202", "400", "403", "413", "429", "503"]);
    expect(Object.keys(responses("/webhooks/{pipeline}"))).toEqual([
      "200",
      "202",
      "400",
      "401",
      "403",
      "413",
      "429",
      "503",
    ]);
  });

  it("describes responses as they are", () => {
    const accepted = contentSchema.parse(responses("/webhooks/{pipeline}")["202"]).content["application/json"].schema;
    expect(accepts(document, accepted, { messageId: "m", key: "1", version: "1" })).toBe(true);
    expect(accepts(document, accepted, { repeated: true })).toBe(true);
    expect(accepts(document, accepted, { key: 1 })).toBe(false);
    const error = { $ref: "#/components/schemas/Error" };
    for (const one of [new BadRequestError("body: is not JSON"), new UnauthorizedError("no")])
      expect(accepts(document, error, errorResponse(one).body)).toBe(true);
  });
});

it("a PUT of a timer without a body has an answer in text, as the legacy timer service has", () => {
  const { components } = z
    .object({ components: z.object({ responses: z.record(z.string(), z.looseObject({})) }) })
    .parse(JSON.parse(documents["docs/openapi/timers.json"] ?? "{}"));
  expect(components.responses["badPut"]).toMatchObject({ content: { "text/plain": { schema: { type: "string" } } } });
  expect(JSON.stringify(documentOf("timers").paths["/periodic/{id}"]?.["put"])).toContain("responses/badPut");
});

describe("the API of workflows", () => {
  it("has each route", () => {
    expect(routesOf(documentOf("workflows"))).toEqual(
      [...WORKFLOW_ROUTES, ...OWN_ROUTES].map(({ method, path }) => `${method} ${path}`).sort(),
    );
  });

  it.each(["approve", "reject"])("decides without a body as well: %s", (verb) => {
    const { paths } = z
      .object({ paths: z.record(z.string(), z.record(z.string(), z.unknown())) })
      .parse(JSON.parse(documents["docs/openapi/workflows.json"] ?? "{}"));
    expect(paths[`/tasks/{id}/${verb}`]?.["post"]).toMatchObject({ requestBody: { required: false } });
  });
});

describe("the API of timers", () => {
  const document = documentOf("timers");
  const NOW = Date.parse("2026-11-21T06:55:30.250Z");
  const fake = fakeTimers();
  let versions = 0;
  const routes: Readonly<Record<string, Endpoint>> = timerRoutes({
    ...fake,
    cursors: { get: () => Promise.resolve(new Map()) },
    now: () => NOW,
    newVersion: () => `v${++versions}`,
    shards: 1,
    onFailure: () => undefined,
  });

  it("has each route", () => {
    const verbs = { GET: ["fires", "preview", "audit"], POST: ["fire", "pause", "resume", "preview"] };
    const expected = API_ROUTES.flatMap(({ method, path }) =>
      path.endsWith("{verb}") && (method === "GET" || method === "POST")
        ? verbs[method].map((verb) => `${method} ${path.replace("{verb}", verb)}`)
        : [`${method} ${path}`],
    );
    expect(routesOf(document)).toEqual(expected.sort());
  });

  const retry = { maxAttempts: 3, maxAgeSeconds: 60 };
  const batch = [
    { method: "PUT", path: "/oneshot/x", body: { delaySeconds: 9 } },
    { method: "DELETE", path: "/x" },
  ];
  it.each<[string, unknown]>([
    ["PUT /periodic/{id}", { minuteOfHour: "05" }],
    ["PUT /periodic/{id}", { minuteOfHour: 5, secondOfMinute: 7, catchUp: 90, overlap: "skip", retry, history: true }],
    ["PUT /periodic/{id}", { cron: "0 9 * * ? *", timeZone: "Europe/Berlin", maxFires: 1_000, catchUp: "all" }],
    ["PUT /periodic/{id}", { every: "15 minutes", startAt: "2026-12-01T00:00:00+01:00", timerCallbackData: [1e3] }],
    ["PUT /oneshot/{id}", { at: "2026-12-01T00:00:00", timeZone: "Asia/Kolkata", ifVersion: null }],
    ["GET /oneshot/{id}", undefined],
    ["GET /oneshot", undefined],
    ["GET /periodic/{id}/audit", undefined],
    ["GET /periodic/{id}/fires", undefined],
    ["POST /periodic/{id}/fire", { fireId: "periodic#tea#v4#now-k" }],
    ["POST /periodic/{id}/preview", { every: "1 hour" }],
    ["POST /periodic/{id}/pause", undefined],
    ["POST /periodic", { verb: "resume", prefix: "" }],
    ["POST /batch", { requests: batch }],
    ["DELETE /periodic/{id}", undefined],
  ])("describes request and response as they are: %s %j", async (operation, body) => {
    const [method = "", path = ""] = operation.split(" ");
    const described = document.paths[path]?.[method.toLowerCase()];
    const [, verb] = /\{id\}\/(\w+)$/.exec(path) ?? [];
    const route = verb === undefined ? operation : operation.replace(verb, "{verb}");
    const answer = await routes[route]?.({
      path: { id: "tea", ...(verb !== undefined && { verb }) },
      query: {},
      headers: {},
      deadline: NOW + 29_000,
      body,
      text: body === undefined ? "" : JSON.stringify(body),
      scope: scopeOf(undefined, undefined),
    });
    const schemaOf = (one: unknown) => contentSchema.parse(one).content["application/json"].schema;
    if (body !== undefined) expect(accepts(document, schemaOf(described?.requestBody), body)).toBe(true);
    const value: unknown = JSON.parse(jsonText(answer?.body));
    expect(accepts(document, schemaOf(described?.responses["200"]), value)).toBe(true);
    expect(accepts(document, schemaOf(described?.responses["200"]), [value])).toBe(false);
  });

  it.each([{ minuteOfHour: 60 }, { minuteOfHour: "5x" }, { every: "soon" }, { catchUp: 0 }, { shape: 1 }])(
    "refuses what the API refuses: %j",
    (body) => {
      expect(accepts(document, { $ref: "#/components/schemas/PeriodicTimer" }, body)).toBe(false);
    },
  );
});
