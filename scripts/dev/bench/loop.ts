/** Benchmark: `npm start` while code changes and time passes. */
import { spawn } from "node:child_process";
import { appendFile, readFile, writeFile } from "node:fs/promises";
import { createInterface } from "node:readline";
import { InvokeCommand, LambdaClient } from "@aws-sdk/client-lambda";
import { DAY_SECONDS, SECOND_MS } from "../../../functions/shared/time";
import { advanceClock, readClock, totalOf } from "../../emulator/clock";
import { followFunctions } from "../../emulator/function-logs";
import { localSettings } from "../../emulator/local-settings";
import { requireRunning } from "../../emulator/run-record";
import { homeAt } from "../../shared/home";
import { ownEnvironment } from "../../shared/run-command";
import { figure, figureAtMost, median, type Figure } from "./figure";
import { withHome } from "./local-environment";

/** Invoked without messages, it does nothing. */
const HANDLER = "functions/timers/log-fire.ts";
const FUNCTION = "almanac-local-timers-callback";
const SAVES = 5;

export const LOOP_PARTS = ["save", "day"] as const;

/**
 * `npm start` with the environment of main.ts, in a home of its own: from saving a handler to the first line that its new code has
 * logged, and a day of everything that is due.
 */
export async function benchLoop(parts: readonly string[] = LOOP_PARTS): Promise<readonly Figure[]> {
  return withHome(async (_, home) => {
    const npmStart = spawn(process.execPath, ["scripts/launcher/almanac.mjs", "start", "--home", home], {
      env: { ...ownEnvironment(), ALMANAC_AWS_ENDPOINT: undefined },
      stdio: ["pipe", "pipe", "inherit"],
    });
    const ended = new Promise((resolve) => npmStart.on("exit", resolve));
    try {
      await watching(npmStart.stdout);
      const { endpoint } = await requireRunning(homeAt(home));
      return [
        ...(parts.includes("save") ? await benchSaves(endpoint) : []),
        ...(parts.includes("day") ? await benchDay(endpoint) : []),
      ];
    } finally {
      npmStart.kill("SIGINT");
      await ended;
    }
  });
}

/** Until `npm start` follows the sources. */
async function watching(output: NodeJS.ReadableStream): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    createInterface(output)
      .on("line", (line) => {
        if (line.includes("Watching the sources")) resolve();
      })
      .on("close", () => {
        reject(new Error("npm start has ended: see above"));
      });
  });
}

async function benchSaves(endpoint: string): Promise<readonly Figure[]> {
  return [figureAtMost("save_to_live_s", median(await saveAndSee(endpoint)), "s", 1)];
}

async function benchDay(endpoint: string): Promise<readonly Figure[]> {
  const began = performance.now();
  const { nowMs } = await readClock(endpoint);
  const { ran, failed, steps } = await advanceClock(endpoint, nowMs + DAY_SECONDS * SECOND_MS);
  return [
    figureAtMost("day_s", (performance.now() - began) / SECOND_MS, "s", 180),
    figure("day_instants", steps, "instants"),
    figure("day_invocations", totalOf(ran), "invocations"),
    figureAtMost("day_failed", totalOf(failed), "invocations", 0),
  ];
}

/** @returns the seconds of each save */
async function saveAndSee(endpoint: string): Promise<readonly number[]> {
  const original = await readFile(HANDLER, "utf8");
  const lambda = new LambdaClient(localSettings(endpoint));
  const following = new AbortController();
  const seen = new Map<string, number>();
  void (async () => {
    for await (const { message } of followFunctions(endpoint, following.signal))
      seen.set(/saved-\d+/.exec(message)?.[0] ?? "", performance.now());
  })();
  const seconds: number[] = [];
  try {
    for (let save = 1; save <= SAVES; save += 1) {
      const marker = `saved-${save}`;
      const began = performance.now();
      await appendFile(HANDLER, `console.log("${marker}");\n`);
      while (!seen.has(marker)) {
        await lambda.send(new InvokeCommand({ FunctionName: FUNCTION, Payload: JSON.stringify({ Records: [] }) }));
        if (performance.now() - began > 30 * SECOND_MS) throw new Error(`${marker} was not live after 30 s`);
      }
      seconds.push(((seen.get(marker) ?? 0) - began) / SECOND_MS);
    }
  } finally {
    await writeFile(HANDLER, original);
    following.abort();
    lambda.destroy();
  }
  return seconds;
}
