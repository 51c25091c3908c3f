/** Says what runs where, for people. */
import { LOCAL_REGION } from "./run";
import type { Features } from "./run-record";

/** Each feature with its outputs, one a line; but for lists and objects, which are for programs. */
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

/** How to look at it with any AWS tool: variables that a shell takes as they stand. */
export function describeAccess(endpoint: string): string {
  return `export AWS_ENDPOINT_URL=${endpoint} AWS_REGION=${LOCAL_REGION} AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test`;
}
