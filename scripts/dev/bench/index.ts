/** `npm run bench -- <name>`: measures, and holds what it measured against the goals. */
import { Option } from "commander";
import { colours } from "../../shared/terminal/colours";
import { EXIT, npmCommand } from "../../shared/terminal/command-line";
import { describeError } from "../../shared/terminal/errors";
import { table } from "../../shared/terminal/table";
import { benchBundle } from "./bundle";
import { benchCdktn } from "./cdktn";
import { benchCli } from "./cli";
import { benchConsole } from "./console";
import { benchExports } from "./exports";
import type { Figure } from "./figure";
import { benchFuzz } from "./fuzz";
import { benchHeartbeats } from "./heartbeats";
import { benchOpenapi } from "./openapi";
import { benchLoop, LOOP_PARTS } from "./loop";
import { benchPipelines } from "./pipelines";
import { benchReview } from "./review";
import { benchSchedules } from "./schedules";
import { benchStart } from "./start";
import { benchSynth } from "./synth";
import { benchWorkflows } from "./workflows";
import { benchTimers } from "./timers";
import { benchTests } from "./tests";
import { benchTimersPrecision } from "./timers/precision";

interface Bench {
  readonly measures: string;
  /** Those that can be measured alone. @default none */
  readonly parts?: readonly string[];
  /** @param parts @default all */
  readonly run: (parts?: readonly string[]) => Promise<readonly Figure[]>;
}

const BENCHES: Readonly<Record<string, Bench>> = {
  bundle: {
    measures: "every handler's zip and load time, beside the same handlers with AWS SDK v2",
    run: benchBundle,
  },
  cli: { measures: "npx almanac: help, a list of timers, its compilation; beside cdktf --version", run: benchCli },
  synth: { measures: "main.ts to written stacks, cold and warm", run: benchSynth },
  start: { measures: "npm start to ready, the first time and again, step by step", run: benchStart },
  loop: {
    measures: "from saving a handler to its new code, and a day of the local clock",
    parts: LOOP_PARTS,
    run: benchLoop,
  },
  heartbeats: {
    measures: "1,000 targets on loopback in one invocation, what a target costs, and the status page",
    run: benchHeartbeats,
  },
  console: {
    measures:
      "the console in headless Chromium: paint, data, script, scrolling 10,000 timers, and nothing when it is closed",
    run: benchConsole,
  },
  exports: {
    measures: "one segment from DynamoDB to S3, beside other ways, and its memory (EXPORTS_GB=5: up to 5 GB)",
    run: benchExports,
  },
  workflows: {
    measures: "starts of tasks a second, and what a task is made of and costs",
    run: benchWorkflows,
  },
  timers: { measures: "the dispatcher of timers against a stub of AWS: speed, memory, costs", run: benchTimers },
  "timers-precision": {
    measures: "how late 1,000 timers of the local environment fire, end to end",
    run: benchTimersPrecision,
  },
  pipelines: {
    measures: "messages into rows beside one at a time, 10,000 changes to Slack, and one change all the way",
    run: benchPipelines,
  },
  schedules: {
    measures: "what the wrapper adds to a run and to its load time, and what an hourly schedule costs",
    run: benchSchedules,
  },
  fuzz: {
    measures: "4,000 hostile inputs through each endpoint and each event parser (FUZZ_INPUTS, FUZZ_SEED)",
    run: benchFuzz,
  },
  openapi: {
    measures:
      "requests by schemathesis, from the OpenAPI documents, to the local environment (OPENAPI_EXAMPLES, OPENAPI_SEED)",
    run: benchOpenapi,
  },
  cdktn: { measures: "whether main.ts gives the same stacks under cdktn, cdktf's successor", run: benchCdktn },
  tests: { measures: "the last npm test, by its own report", run: benchTests },
  review: { measures: "the report of a plan that changes 200 resources, after the plan itself", run: benchReview },
};

const command = npmCommand("npm run bench --", "Measures, and holds the figures against their goals.")
  .argument(
    "<name>",
    Object.entries(BENCHES)
      .map(
        ([name, { measures, parts }]) =>
          `\n${name}: ${measures}${parts === undefined ? "" : ` (--only ${parts.join(" or ")})`}`,
      )
      .join(""),
  )
  .addOption(new Option("--json", "one JSON document on stdout, and nothing else (npm run --silent bench -- ...)"))
  .option("--only <part>", "one part of it")
  .addHelpText("after", "\nExit code 1: a goal was missed.")
  .parse();

async function main(name: string, { json, only }: { json?: boolean; only?: string }): Promise<number> {
  const bench = BENCHES[name];
  if (bench === undefined) {
    console.error(`There is no bench "${name}": ${Object.keys(BENCHES).join(", ")}.`);
    return EXIT.badUsage;
  }
  if (only !== undefined && bench.parts?.includes(only) !== true) {
    console.error(`The bench "${name}" has no part "${only}": ${bench.parts?.join(", ") ?? "it has none"}.`);
    return EXIT.badUsage;
  }
  console.error(`Measuring ${bench.measures} ...`);
  const figures = await bench.run(only === undefined ? undefined : [only]);
  console.log(json === true ? JSON.stringify({ bench: name, figures }) : describe(figures));
  return figures.some(({ met }) => met === false) ? EXIT.failure : EXIT.ok;
}

function describe(figures: readonly Figure[]): string {
  return table(
    ["figure", "value", "unit", "goal", ""],
    figures.map(({ name, value, unit, goal, met }) => [
      name,
      String(value),
      unit,
      goal ?? "",
      met === null ? "" : met ? colours.green("met") : colours.red("missed"),
    ]),
  );
}

main(command.args[0] ?? "", command.opts()).then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    console.error(describeError(error));
    process.exitCode = EXIT.failure;
  },
);
