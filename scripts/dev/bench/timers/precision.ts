/** Benchmark: how late timers fire on the emulator. */
import { DynamoDBClient, paginateScan } from "@aws-sdk/client-dynamodb";
import * as z from "zod";

import { TimersClient } from "../../../../clients/timers";
import { MINUTE_MS } from "../../../../functions/shared/time";
import { HISTORY_KEYS } from "../../../../functions/timers/contract";
import { keysOf } from "../../../shared/emulator-keys";
import { localSettings } from "../../../emulator/local-settings";
import { figure, figureAtMost, type Figure } from "../figure";
import { withLocalEnvironment } from "../local-environment";

const TIMERS = 1_000;
/** Of their ids: the environment has other timers. */
const PREFIX = "precision-";
const BATCH = 25;

/** Long enough to put all timers before the first is due. */
const FIRST_IN_MS = MINUTE_MS;
const APART_MS = 200;
const TIMEOUT_MS = MINUTE_MS;

const outputsSchema = z.looseObject({ api_url: z.string(), history_table_name: z.string() });

/** Lateness of timers in the local environment, from the API to the default callback, by the callback's clock. */
export async function benchTimersPrecision(): Promise<readonly Figure[]> {
  return withLocalEnvironment(async (running) => {
    const outputs = outputsSchema.parse(running.deployment?.features["timers"]);
    const aws = localSettings(running.endpoint);
    await put(new TimersClient({ url: outputs.api_url, region: aws.region, credentials: keysOf(running.endpoint) }));
    const dynamodb = new DynamoDBClient(aws);
    return figuresOf(await lateness(dynamodb, outputs.history_table_name));
  });
}

async function put(timers: TimersClient): Promise<void> {
  const first = Date.now() + FIRST_IN_MS;
  for (let from = 0; from < TIMERS; from += BATCH)
    await Promise.all(
      Array.from({ length: Math.min(BATCH, TIMERS - from) }, (_, index) =>
        timers.oneshot.put(`${PREFIX}${from + index}`, {
          at: new Date(first + (from + index) * APART_MS).toISOString(),
        }),
      ),
    );
}

/** @returns milliseconds, sorted */
async function lateness(dynamodb: DynamoDBClient, TableName: string): Promise<readonly number[]> {
  const until = Date.now() + FIRST_IN_MS + TIMERS * APART_MS + TIMEOUT_MS;
  for (;;) {
    const late: number[] = [];
    for await (const { Items = [] } of paginateScan({ client: dynamodb }, { TableName }))
      for (const { [HISTORY_KEYS.partition]: timer, firedMs, dueMs } of Items)
        if (timer?.S?.startsWith(`oneshot#${PREFIX}`)) late.push(Number(firedMs?.N) - Number(dueMs?.N));
    if (late.length >= TIMERS) return late.sort((a, b) => a - b);
    if (Date.now() > until) throw new Error(`only ${late.length} of ${TIMERS} timers have fired`);
    await new Promise((wait) => setTimeout(wait, 1_000));
  }
}

function figuresOf(late: readonly number[]): readonly Figure[] {
  const at = (quantile: number) => (late[Math.ceil(quantile * late.length) - 1] ?? NaN) / 1_000;
  return [
    figureAtMost("late_p50_s", at(0.5), "s", 0.05),
    figureAtMost("late_p99_s", at(0.99), "s", 0.2),
    figureAtMost("early", late.filter((ms) => ms < 0).length, "", 0),
    figure("late_max_s", at(1), "s"),
    figure("timers", late.length, ""),
  ];
}
