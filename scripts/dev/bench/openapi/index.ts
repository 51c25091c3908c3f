/** Benchmark: schemathesis sends requests that the published OpenAPI documents allow, and others, to the local environment. */
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import * as z from "zod";
import { localSettings } from "../../../emulator/local-settings";
import { pythonEnvironment } from "../../../emulator/python";
import { installedPython, installPython } from "../../../emulator/virtual-environment";
import { runCommand } from "../../../shared/run-command";
import { figure, figureAtMost, type Figure } from "../figure";
import { withLocalEnvironment } from "../local-environment";
import { signingProxy } from "./signing-proxy";

/** For each operation. `OPENAPI_EXAMPLES`. */
const DEFAULT_EXAMPLES = 25;

/** Each is a promise of the documents. `ignored_auth` is not among them: the proxy signs whatever Authorization there is. */
const CHECKS = [
  "not_a_server_error",
  "status_code_conformance",
  "content_type_conformance",
  "response_schema_conformance",
  "negative_data_rejection",
];

const REQUIREMENTS = join(__dirname, "requirements.txt");

const apiSchema = z.looseObject({ api_url: z.string() });
const outputsSchema = z.looseObject({
  timers: apiSchema,
  workflows: z.looseObject({ workflows: z.record(z.string(), apiSchema) }),
  pipelines: z.looseObject({ pipelines: z.record(z.string(), z.looseObject({ endpoint: z.string() })) }),
});

/** `OPENAPI_SEED` repeats a run. */
export async function benchOpenapi(): Promise<readonly Figure[]> {
  const seed = Number(process.env["OPENAPI_SEED"] ?? Date.now() % 1_000_000_000);
  const examples = Number(process.env["OPENAPI_EXAMPLES"] ?? DEFAULT_EXAMPLES);
  console.error(`OPENAPI_SEED=${seed} OPENAPI_EXAMPLES=${examples}`);
  const python = await install();
  return withLocalEnvironment(async (running, home) => {
    const figures: Figure[] = [];
    const { apis, pipeline } = apisOf(running.deployment?.features);
    for (const [feature, url] of apis) {
      const proxy = await signingProxy(url, localSettings(running.endpoint));
      try {
        const document = writeDocument(feature, home, pipeline);
        const failures = await failuresOf(python, { document, url: proxy.url, seed, examples, cwd: home });
        figures.push(figureAtMost(`${feature}_failures`, failures, "", 0));
      } finally {
        await proxy.stop();
      }
    }
    return [figure("examples_per_operation", examples, ""), ...figures];
  });
}

interface Apis {
  readonly apis: readonly (readonly [feature: string, url: string])[];
  /** One that exists. */
  readonly pipeline: string;
}

function apisOf(features: unknown): Apis {
  const { timers, workflows, pipelines } = outputsSchema.parse(features);
  const [pipeline] = Object.entries(pipelines.pipelines);
  const own = workflows.workflows["refund"];
  if (pipeline === undefined || own === undefined) throw new Error("the local environment has no pipeline or workflow");
  const apis = [
    ["timers", timers.api_url],
    // With approvals and redrives.
    ["workflows", own.api_url],
    ["pipelines", pipeline[1].endpoint.replace(/\/pipelines\/[^/]+$/, "")],
  ] as const;
  return { apis, pipeline: pipeline[0] };
}

/** The published document, in which any pipeline becomes one that exists: API Gateway answers for all others. */
function writeDocument(feature: string, folder: string, pipeline: string): string {
  const published = readFileSync(resolve(`docs/openapi/${feature}.json`), "utf8");
  const document: unknown = JSON.parse(published, (_, value: unknown) =>
    pipelineParameterSchema.safeParse(value).success
      ? { name: "pipeline", in: "path", required: true, schema: { enum: [pipeline] } }
      : value,
  );
  const file = join(folder, `${feature}.json`);
  writeFileSync(file, JSON.stringify(document));
  return file;
}

const pipelineParameterSchema = z.object({ name: z.literal("pipeline"), in: z.literal("path") });

async function failuresOf(
  python: string,
  {
    document,
    url,
    seed,
    examples,
    cwd,
  }: { document: string; url: string; seed: number; examples: number; cwd: string },
): Promise<number> {
  const args = [
    ...["run", document, "--url", url, "--checks", CHECKS.join(",")],
    ...["--max-examples", String(examples), "--seed", String(seed), "--no-color", "--continue-on-failure"],
    ...["--header", "Authorization: signed by the proxy"],
  ];
  const { code, stdout } = await runCommand(python, [join(dirname(python), "schemathesis"), ...args], {
    env: pythonEnvironment(),
    // It keeps a cache there.
    cwd,
  });
  console.error(stdout);
  const [, failures] = /(\d+) unique failures?/.exec(stdout) ?? [];
  return failures === undefined ? Number(code !== 0) : Number(failures);
}

/** A Python that has schemathesis, in a private virtual environment. */
async function install(): Promise<string> {
  const digest = createHash("sha256").update(readFileSync(REQUIREMENTS)).digest("hex");
  const environment = { digest, requirements: REQUIREMENTS, folder: resolve(".almanac/schemathesis") };
  return (await installedPython(environment)) ?? installPython(environment, { onLine: console.error });
}
