/** Describes a running environment for people. */
import { resolve } from "node:path";
import { keysOf } from "../shared/emulator-keys";
import type { Features } from "../shared/feature-outputs";
import { DEFAULT_HOME } from "../shared/home";
import { LOCAL_REGION } from "./run";
import type { RunRecord } from "./run-record";

/** Each feature with its outputs, one a line, without lists and objects. */
export function describeFeatures(features: Features): string {
  return Object.entries(features)
    .map(([feature, outputs]) => {
      const shown = Object.entries(outputs).filter(([, value]) => typeof value !== "object");
      const width = Math.max(0, ...shown.map(([name]) => name.length));
      const lines = shown.map(([name, value]) => `    ${name.replaceAll("_", " ").padEnd(width)}  ${String(value)}`);
      return [`  ${feature}`, ...lines].join("\n");
    })
    .join("\n");
}

/** What is deployed, and whether that is about to change. @param deploying the process of the `npm start` that deploys now */
export function describeDeployment({ deployment, stopping }: RunRecord, deploying: number | undefined): string {
  const last = deployment && `deployed at ${deployment.at}: ${Object.keys(deployment.features).join(", ")}`;
  if (stopping) return "it is being stopped";
  if (deploying === undefined)
    return last ?? "nothing is deployed: a deployment was interrupted. Deploy again: npm start";
  const now = `being deployed now (npm start, process ${deploying})`;
  return last === undefined ? now : `${last}\n  ${now}`;
}

/** A shell command after which any AWS tool talks to the emulator. */
export function describeAccess(endpoint: string): string {
  const { accessKeyId, secretAccessKey } = keysOf(endpoint);
  return `export AWS_ENDPOINT_URL=${endpoint} AWS_REGION=${LOCAL_REGION} AWS_ACCESS_KEY_ID=${accessKeyId} AWS_SECRET_ACCESS_KEY=${secretAccessKey}`;
}

/**
 * The addresses of what runs, one a line. Without a record the emulator is the user's own.
 *
 * @param consoleAddress good for one visit. @default the address that asks for one
 */
export function describeAddresses(endpoint: string, record: RunRecord | undefined, consoleAddress?: string): string {
  const pages = record?.pages;
  const consoleUrl = record?.console && `${record.console.url}/ (npx almanac open console)`;
  const addresses = {
    Console: consoleAddress ?? consoleUrl,
    "Status page": pages?.statusPageBucket === undefined ? undefined : `${pages.url}/`,
    "Slack inbox": pages && `${pages.url}/inbox`,
    "AWS endpoint": endpoint,
    Log: record?.emulator.log,
  };
  return Object.entries(addresses)
    .flatMap(([name, address]) => (address === undefined ? [] : [`  ${name.padEnd(14)}${address}`]))
    .join("\n");
}

/** Commands to try, for the features that are deployed. */
export function describeCommands(features: Features, homeFolder: string): string {
  const home = homeFolder === resolve(DEFAULT_HOME) ? "" : ` --home ${homeFolder}`;
  const commands = [
    ...("timers" in features ? ['npx almanac timers put tea --every "15 minutes"'] : []),
    ...("workflows" in features ? [`npx almanac workflows start order-1 '{"amount": 12}' --watch`] : []),
    "npx almanac logs --follow",
  ];
  return ["Try, in another terminal:", ...commands.map((command) => `  ${command}${home}`)].join("\n");
}
