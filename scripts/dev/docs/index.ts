/** `node scripts/launcher/dev.mjs docs`: writes the generated documents, docs/configuration.md and docs/cli.md. */
import { readFileSync, writeFileSync } from "node:fs";
import { cliReference } from "./cli-reference";
import { CONFIGURATION_FILE, withConfigurationTables } from "./configuration";

writeFileSync(CONFIGURATION_FILE, withConfigurationTables(readFileSync(CONFIGURATION_FILE, "utf8")));
void cliReference().then((reference) => {
  writeFileSync("docs/cli.md", reference);
});
