/** Measures a dispatcher with many due timers. */
import { once } from "node:events";
import http, { type IncomingMessage } from "node:http";
import https from "node:https";
import { text } from "node:stream/consumers";

import { MINUTE_MS } from "../../../../functions/shared/time";
import { loadUntil } from "../../../../functions/timers/dispatch/windows";
import { SCENARIO_PATH, countsSchema, type Run, type Scenario } from "./messages";

/** Measures one run of a dispatcher with this many due timers. */
export async function measure(
  kind: Scenario["kind"],
  timers: number,
  dispatch: (scenario: Scenario) => Promise<void>,
): Promise<Run> {
  const endpoint = process.env["AWS_ENDPOINT_URL"] ?? "";
  const until = loadUntil(Date.now());
  const scenario: Scenario = { kind, timers, cursor: until - MINUTE_MS, until };
  await askStub(endpoint, "PUT", JSON.stringify(scenario));
  const cpu = process.cpuUsage();
  const begin = performance.now();
  await dispatch(scenario);
  const seconds = (performance.now() - begin) / 1_000;
  const { user, system } = process.cpuUsage(cpu);
  // The kernel's: taking samples costs five percent of the time. Scenarios grow.
  const residentBytes = process.resourceUsage().maxRSS * 1_024;
  const counts = countsSchema.parse(JSON.parse(await askStub(endpoint, "GET")));
  return { kind, timers, seconds, cpuSeconds: (user + system) / 1e6, residentBytes, counts };
}

/** Not with fetch: its ten megabytes would count as the dispatcher's. */
async function askStub(endpoint: string, method: string, body = ""): Promise<string> {
  const { request } = endpoint.startsWith("https:") ? https : http;
  const [response] = (await once(request(`${endpoint}${SCENARIO_PATH}`, { method }).end(body), "response")) as [
    IncomingMessage,
  ];
  return text(response);
}
