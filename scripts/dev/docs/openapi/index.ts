/** docs/openapi: the APIs as OpenAPI documents, from their routes and schemas. */
import { openapiDocument } from "./document";
import { PIPELINES_API } from "./pipelines";
import { TIMERS_API } from "./timers";
import { WORKFLOWS_API } from "./workflows";

/** File -> document. */
export const openapiDocuments = (): Readonly<Record<string, string>> => ({
  "docs/openapi/pipelines.json": openapiDocument(PIPELINES_API),
  "docs/openapi/timers.json": openapiDocument(TIMERS_API),
  "docs/openapi/workflows.json": openapiDocument(WORKFLOWS_API),
});
