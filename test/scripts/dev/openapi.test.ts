import { readFileSync } from "node:fs";
import { Ajv2020 } from "ajv/dist/2020";
import * as z from "zod";
import { errorResponse } from "../../../functions/shared/handlers/rest-handler";
import { BadRequestError, UnauthorizedError } from "../../../functions/shared/handlers/http-errors";
import { OPENAPI_FILE, openapiDocument } from "../../../scripts/dev/docs/openapi";

const schemaOf = z.looseObject({ content: z.object({ "application/json": z.object({ schema: z.looseObject({}) }) }) });
const documentSchema = z.object({
  paths: z.record(z.string(), z.object({ post: z.object({ responses: z.record(z.string(), z.looseObject({})) }) })),
  components: z.object({ schemas: z.object({ Error: z.looseObject({}) }) }),
});

describe("the OpenAPI document", () => {
  const document = documentSchema.parse(JSON.parse(openapiDocument()));
  const responses = (path: string) => document.paths[path]?.post.responses ?? {};
  const accepts = (schema: object, body: unknown) => new Ajv2020().compile(schema)(body);

  it("is current: node scripts/launcher/dev.mjs docs", () => {
    expect(readFileSync(OPENAPI_FILE, "utf8")).toBe(openapiDocument());
  });

  it("has each response of the API", () => {
    expect(Object.keys(responses("/pipelines/{pipeline}"))).toEqual(["202", "400", "403", "413", "429", "503"]);
    expect(Object.keys(responses("/webhooks/{pipeline}"))).toEqual(["200", "202", "400", "401", "413", "429", "503"]);
  });

  it("describes responses as they are", () => {
    const accepted = schemaOf.parse(responses("/webhooks/{pipeline}")["202"]).content["application/json"].schema;
    expect(accepts(accepted, { messageId: "m", key: "1", version: "1" })).toBe(true);
    expect(accepts(accepted, { repeated: true })).toBe(true);
    expect(accepts(accepted, { key: 1 })).toBe(false);
    for (const error of [new BadRequestError("body: is not JSON"), new UnauthorizedError("no")])
      expect(accepts(document.components.schemas.Error, errorResponse(error).body)).toBe(true);
  });
});
