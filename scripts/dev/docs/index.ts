/** `node scripts/launcher/dev.mjs docs`: writes the tables of docs/configuration.md. */
import { readFileSync, writeFileSync } from "node:fs";
import { CONFIGURATION_FILE, withConfigurationTables } from "./configuration";

writeFileSync(CONFIGURATION_FILE, withConfigurationTables(readFileSync(CONFIGURATION_FILE, "utf8")));
