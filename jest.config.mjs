/** In Jest's sandbox each lookup of a global runs a proxy, except for these: no test replaces them, and no module declares them. */
const GLOBALS = ["Array", "BigInt", "Intl", "JSON", "Map", "Math", "Object", "Reflect", "RegExp", "WeakMap"];
/** Declared by modules that only cdktf loads. */
const GLOBALS_WITHOUT_CDKTF = ["Error", "Number", "Promise", "String", "Symbol", "Uint8Array"];

const common = {
  testEnvironment: "node",
  sandboxInjectedGlobals: GLOBALS,
  // swc strips the types; tsc checks them (npm test runs it first).
  transform: {
    "^.+\\.ts$": ["@swc/jest", { jsc: { target: "es2022", parser: { syntax: "typescript" } } }],
    // ES modules, which jest cannot require.
    "/node_modules/hyparquet(-writer)?/.+\\.js$": [
      "@swc/jest",
      { jsc: { target: "es2022" }, module: { type: "commonjs" } },
    ],
  },
  // zod loads its messages in fifty languages, in each test file: 60 ms. English, its default, is not among what it needs these for.
  moduleNameMapper: { "/locales/index\\.cjs$": "<rootDir>/node_modules/zod/v4/locales/en.cjs" },
  transformIgnorePatterns: ["/node_modules/(?!hyparquet(-writer)?/)"],
  testPathIgnorePatterns: ["/node_modules/", "/cdktf.out/", "/.almanac/", "/dist/"],
  modulePathIgnorePatterns: ["<rootDir>/cdktf.out", "<rootDir>/.almanac", "<rootDir>/dist"],
};

/** Random worlds on a virtual clock: long, so that they run beside the end-to-end tests. */
const SIMULATION = "/[\\w-]*simulation[\\w-]*\\.test\\.ts$";

export default {
  maxWorkers: "100%",
  // Only ends what hangs. Steps run side by side, on machines where a second of work may take ten.
  testTimeout: process.env["ALMANAC_SIMULATIONS"] === "nightly" ? 3_600_000 : 600_000,
  projects: [
    {
      ...common,
      displayName: "unit",
      sandboxInjectedGlobals: [...GLOBALS, ...GLOBALS_WITHOUT_CDKTF],
      testMatch: ["<rootDir>/test/{clients,functions,scripts}/**/*.test.ts"],
      testPathIgnorePatterns: [...common.testPathIgnorePatterns, SIMULATION],
    },
    {
      ...common,
      displayName: "simulation",
      sandboxInjectedGlobals: [...GLOBALS, ...GLOBALS_WITHOUT_CDKTF],
      testMatch: ["<rootDir>/test/**/*.test.ts"],
      testPathIgnorePatterns: [...common.testPathIgnorePatterns, `^(?!.*${SIMULATION})`],
    },
    // Those of the whole project synthesize it, or read all of it.
    {
      ...common,
      displayName: "module",
      testMatch: ["<rootDir>/test/modules/**/*.test.ts", "<rootDir>/test/*.test.ts"],
    },
    {
      ...common,
      displayName: "browser",
      testMatch: ["<rootDir>/test/browser/**/*.test.ts"],
      globalSetup: "<rootDir>/test/browser/setup.ts",
    },
    {
      ...common,
      displayName: "e2e",
      testMatch: ["<rootDir>/test/e2e/**/*.test.ts"],
      runner: "<rootDir>/test/e2e/support/runner.ts",
      globalSetup: "<rootDir>/test/e2e/support/setup.ts",
      globalTeardown: "<rootDir>/test/e2e/support/teardown.ts",
    },
  ],
};
