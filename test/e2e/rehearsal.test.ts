/** The life cycle of a personal environment, by its commands: deploy, use, review, destroy. */
import { localSettings } from "../../scripts/emulator/local-settings";
import { checkOnce } from "../../scripts/local/sample-data";
import { eventually, npmRunWith, readSystem } from "./support/system";

const NAME = "rehearsal";
const options = ["--app", "test/e2e/support/personal-app.ts"];

let endpoint: string;
let pingUrl: string;
let variables: Readonly<Record<string, string>>;
beforeAll(async () => {
  const running = await readSystem();
  endpoint = running.endpoint;
  variables = { ALMANAC_AWS_ENDPOINT: endpoint };
});

const run = (command: string, ...args: readonly string[]) => npmRunWith(variables, command, ...args, ...options);

describe("a personal environment", () => {
  it("cannot be destroyed before it is deployed: the name may be mistyped", async () => {
    const { code, output } = await run("destroy", NAME, "--yes");
    expect(output).toContain(`has no environment "${NAME}", and no personal environment of that name is deployed`);
    expect(code).toBe(1);
  });

  it("is created by npx almanac deploy, with its state bucket", async () => {
    const pings = ["get", "post"].flatMap((method) =>
      ["item", "item_item"].map((path) => `heartbeats.api_gateway_method.api_rest_${method}_ping_${path}`),
    );
    const { code, output } = await run("deploy", NAME, "--yes", "--allow", ...pings);
    expect(output).toContain(`${NAME} is not in test/e2e/support/personal-app.ts: a personal environment`);
    expect(output).toContain(`State bucket: almanac-${NAME}-terraform-state`);
    expect(output).toMatch(/No data is lost\. What else matters is allowed\.\*\* \d+ added; \$0\.00 → \$\d/);
    expect(output).toMatch(/Terraform apply: \d+ added/);
    expect(output).toContain(`${NAME} is deployed`);
    pingUrl = `${/ping url +(\S+)/.exec(output)?.[1] ?? ""}/any`;
    expect(code).toBe(0);
  });

  it("works", async () => {
    await checkOnce(`almanac-${NAME}-heartbeats-check`, localSettings(endpoint));
    // Published after the check, by another function.
    const { code } = await eventually(
      () => run("heartbeats", "status", "--env", NAME),
      ({ output }) => output.includes("aws-emulator"),
    );
    expect(code).toBe(0);
  });

  it("is listed, with what it costs", async () => {
    const { code, output } = await run("environments");
    expect(output).toMatch(
      new RegExp(`^${NAME} +\\d{4}-\\d\\d-\\d\\d +\\d{4}-\\d\\d-\\d\\d +\\d+ +\\d+\\.\\d\\d +personal$`, "m"),
    );
    expect(code).toBe(0);
  });

  it("has an empty plan", async () => {
    const { code, output } = await run("review", NAME, "--drift");
    expect(output).toContain("No changes: the deployed environment matches the configuration.");
    expect(code).toBe(0);
  });

  it("no longer serves a route that was removed, though Terraform deletes it after the API's deployment is created", async () => {
    const ping = async () => (await fetch(pingUrl)).text();
    // The emulator's answer to an unsigned request for no route.
    const noRoute = "The security token included in the request is invalid.";
    expect(await ping()).not.toContain(noRoute);

    variables = { ...variables, REHEARSAL_WITHOUT_PINGS: "1" };
    const { code, output } = await run("deploy", NAME, "--yes");
    expect(output).toMatch(/no longer served: GET \/ping\/\{key\}, .*POST \/ping\/\{key\}/);
    expect(code).toBe(0);
    expect(await ping()).toContain(noRoute);
  });

  it("is destroyed without orphaned resources", async () => {
    const { code, output } = await run("destroy", NAME, "--yes");
    expect(output).toMatch(new RegExp(`${NAME}: \\d+ resources destroyed`));
    expect(output).toContain(`almanac-${NAME}-terraform-state: deleted`);
    expect(output).toContain(`Nothing named almanac-${NAME} is left`);
    expect(code).toBe(0);

    expect((await run("environments")).output).not.toContain(NAME);
  });
});

describe("production", () => {
  it("is not destroyed without its name", async () => {
    for (const flags of [["--yes"], ["--yes-destroy", "staging"]]) {
      const { code, output } = await run("destroy", "production", ...flags);
      expect(output).toContain("npx almanac destroy production --yes-destroy production");
      expect(code).toBe(1);
    }
  });
});
