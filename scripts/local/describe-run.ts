/** Says what runs where, for people. */
import { LOCAL_REGION } from "../emulator/run";
import type { Features } from "./run-record";

/** Each feature with its outputs, one a line. */
export function describeFeatures(features: Features): string {
  return Object.entries(features)
    .map(([feature, outputs]) => {
      const width = Math.max(0, ...Object.keys(outputs).map((name) => name.length));
      const lines = Object.entries(outputs).map(([name, value]) => {
        const text = typeof value === "string" ? value : JSON.stringify(value);
        return `    ${name.replaceAll("_", " ").padEnd(width)}  ${text}`;
      });
      return [`  ${feature}`, ...lines].join("\n");
    })
    .join("\n");
}

/** How to look at it with any AWS tool: variables that a shell takes as they stand. */
export function describeAccess(endpoint: string): string {
  return `export AWS_ENDPOINT_URL=${endpoint} AWS_REGION=${LOCAL_REGION} AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test`;
}
