/** Describes a running environment for people. */
import type { Features } from "../shared/feature-outputs";
import { LOCAL_REGION } from "./run";

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

/** A shell command after which any AWS tool talks to the emulator. */
export function describeAccess(endpoint: string): string {
  return `export AWS_ENDPOINT_URL=${endpoint} AWS_REGION=${LOCAL_REGION} AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test`;
}
