/** `node scripts/launcher/dev.mjs docs`: writes the generated documents: docs/configuration.md, docs/cli.md, docs/openapi/. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { cliReference } from "./cli-reference";
import { CONFIGURATION_FILE, withConfigurationTables } from "./configuration";
import { OPENAPI_FILE, openapiDocument } from "./openapi";

writeFileSync(CONFIGURATION_FILE, withConfigurationTables(readFileSync(CONFIGURATION_FILE, "utf8")));
mkdirSync(dirname(OPENAPI_FILE), { recursive: true });
writeFileSync(OPENAPI_FILE, openapiDocument());
void cliReference().then((reference) => {
  writeFileSync("docs/cli.md", reference);
});
