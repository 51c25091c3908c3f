#!/usr/bin/env node
// `npx almanac` (package.json of this folder), and what npm start, status and stop run: the command line of scripts/almanac.ts.
import { enterProject, loadCommandLine } from "./prepare.mjs";

enterProject();
const { main } = await loadCommandLine();
await main(process.argv.slice(2));
