/** How handlers are bundled: part of what a zip depends on. */
import type { BuildOptions } from "esbuild";

/** Node.js 20 syntax, so that one bundle runs on Lambda's Node.js 22 and on a laptop's Node.js 20. */
export const BUNDLE_OPTIONS = {
  bundle: true,
  platform: "node",
  target: "node20",
  format: "cjs",
  // The SDK's ES modules: CommonJS cannot be tree-shaken.
  mainFields: ["module", "main"],
  alias: { "@aws-sdk/credential-provider-node": "./functions/shared/aws/lambda-credentials.ts" },
  minify: true,
  // For stack traces. Without the sources.
  sourcemap: "linked",
  sourcesContent: false,
  legalComments: "none",
  charset: "utf8",
  logLevel: "silent",
  // As of another name: what wraps a handler imports it from a file that may export nothing.
  logOverride: { "import-is-undefined": "error" },
} as const satisfies BuildOptions;

/** Of a zip: half the time of level 9, for one per cent more bytes. */
export const COMPRESSION_LEVEL = 5;

/** How source maps are made: changed with source-map.ts, so that no bundle keeps the map of an older way. */
export const MAPS = 2;
