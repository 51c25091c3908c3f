/** Where an environment's state is: known from its last synthesis as long as no source has changed since. */
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import * as z from "zod";
import type { AppOptions } from "../shared/terminal/command-line";
import { homeAt } from "../shared/home";
import { rememberedState } from "../terraform/deployed-state";
import { backendSchema, readStateBackend } from "../terraform/state-bucket";
import { readTags, synthesizeStack, withStack } from "../terraform/synthesize";
import { LOCAL } from "./names";
import { requireLocal } from "./stack";

const locationSchema = z.object({ backend: backendSchema, personal: z.boolean() });
export type StateLocation = z.output<typeof locationSchema>;

const CACHE = ".almanac/states";

/** @throws AppMissingError, UnknownEnvironmentError, NotRunningError */
export async function findState(name: string, { app, home }: AppOptions): Promise<StateLocation> {
  if (name === LOCAL) return findLocalState(app, home);
  const file = join(CACHE, `${name}-${keyOf(name, app)}.json`);
  const known = await readFile(file, "utf8").catch(() => undefined);
  const cached = known === undefined ? undefined : locationSchema.safeParse(JSON.parse(known)).data;
  if (cached !== undefined) return cached;
  const location = await withStack(name, { app, personal: true }, locationIn);
  await mkdir(CACHE, { recursive: true });
  // Renamed into place: another command may read it.
  await writeFile(`${file}.${process.pid}`, JSON.stringify(location));
  await rename(`${file}.${process.pid}`, file);
  return location;
}

/** What npm start has deployed; on an emulator of the user's own, what it has synthesized last. */
async function findLocalState(app: string, home: string): Promise<StateLocation> {
  const awsEndpoint = await requireLocal(home);
  const { stack, synthesized, deployedState } = homeAt(home);
  const remembered = await rememberedState(deployedState, awsEndpoint);
  if (remembered !== undefined) return { backend: remembered, personal: false };
  const location = existsSync(join(stack, "cdk.tf.json"))
    ? await locationIn(stack)
    : await locationIn(await synthesizeStack(LOCAL, { app, awsEndpoint, outputDirectory: synthesized }));
  return { ...location, backend: { ...location.backend, endpoints: { s3: awsEndpoint } } };
}

async function locationIn(stack: string): Promise<StateLocation> {
  return { backend: await readStateBackend(stack), personal: "Personal" in (await readTags(stack)) };
}

/** Changes with everything that a synthesis depends on: the sources, and the variables that the app reads. */
function keyOf(name: string, app: string): string {
  const hash = createHash("sha256").update(name).update(app);
  const text = existsSync(app) ? readFileSync(app, "utf8") : "";
  for (const [, variable = ""] of text.matchAll(/process\.env(?:\.|\[")(\w+)/g))
    hash.update(`${variable}=${process.env[variable] ?? ""}\n`);
  const files = [".", dirname(app)].flatMap((folder) => sourcesIn(folder, false));
  for (const file of new Set([...files, ...["modules", "functions"].flatMap((folder) => sourcesIn(folder, true))]))
    hash.update(file).update(readFileSync(file));
  return hash.digest("hex").slice(0, 16);
}

function sourcesIn(folder: string, recursive: boolean): readonly string[] {
  return readdirSync(folder, { recursive, encoding: "utf8" })
    .filter((file) => /\.(ts|json)$/.test(file))
    .map((file) => join(folder, file))
    .sort();
}
