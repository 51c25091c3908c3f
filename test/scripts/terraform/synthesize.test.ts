import { describeFailure } from "../../../scripts/terraform/synthesize";

const STDERR = `
/project/modules/constructs/config.ts:12
  throw new ConfigError(where, issues);
        ^

ConfigError: staging.heartbeats.targets.0.url: is not an http(s) URL
  second line
    at parseConfig (/project/modules/constructs/config.ts:12:9)
    at new Environment (/project/modules/environment.ts:70:20)
    at <anonymous> (/project/main.ts:50:1)

Node.js v20.20.2
`;

it("a failed synthesis is the app's own message, with the line of the app", () => {
  expect(describeFailure("main.ts", STDERR, 1)).toBe(
    "main.ts, line 50: staging.heartbeats.targets.0.url: is not an http(s) URL\n  second line",
  );
});

it("a failed synthesis without a message says how it ended", () => {
  expect(describeFailure("main.ts", "", 3)).toBe("main.ts: ended with exit code 3");
});
