/** `node scripts/launcher/dev.mjs docs`: writes the generated documents: docs/configuration.md, docs/cli.md, docs/openapi/. */
import { readFileSync, writeFileSync } from "node:fs";
import { cliReference } from "./cli-reference";
import { CONFIGURATION_FILE, withConfigurationTables } from "./configuration";
import { openapiDocuments } from "./openapi";

writeFileSync(CONFIGURATION_FILE, withConfigurationTables(readFileSync(CONFIGURATION_FILE, "utf8")));
for (const [file, document] of Object.entries(openapiDocuments())) writeFileSync(file, document);
void cliReference().then((reference) => {
  writeFileSync("docs/cli.md", reference);
});
