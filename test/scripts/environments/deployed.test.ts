import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findDeployed } from "../../../scripts/environments/deployed";
import { homeAt } from "../../../scripts/shared/home";
import { withLock } from "../../../scripts/shared/lock-file";
import { pipelineOf, outputsOf } from "../../../scripts/shared/feature-outputs";
import { rememberState } from "../../../scripts/terraform/deployed-state";
import { startStubAws, writeStubHome, type StubAws } from "../../support/stub-aws";

const timers = { api_url: "https://api.example.org/live" };
const before = { api_url: "https://before.example.org/live" };
let aws: StubAws;
let folder: string;
let state: object | number;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "almanac-deployed-"));
  aws = await startStubAws(({ operation }) => {
    if (operation === "GET /states/before") return { outputs: { timers: { value: before } }, resources: [] };
    return operation === "GET /states/local" ? state : 404;
  });
  writeStubHome(folder, aws.endpoint, {});
});
afterAll(async () => {
  await aws.close();
  rmSync(folder, { recursive: true });
});

const find = () => findDeployed({ env: "local", app: "main.ts", home: folder });

describe("a deployed environment", () => {
  it("is read from its Terraform state, where npm start has left it", async () => {
    state = { outputs: { timers: { value: timers }, secret: { value: "x", sensitive: true } }, resources: [] };
    expect(await find()).toMatchObject({
      name: "local",
      features: { timers },
      aws: { endpoint: aws.endpoint, region: "eu-central-1", credentials: { accessKeyId: "test" } },
    });
    expect((await find()).features).toEqual({ timers });
  });

  it("is what npm start has deployed, while it refuses another app or region that was synthesized since", async () => {
    state = 404;
    const { deployedState } = homeAt(folder);
    const deployed = { bucket: "states", key: "before", region: "us-east-1" };
    await rememberState(deployedState, { ...deployed, endpoints: { s3: aws.endpoint } });
    expect(await find()).toMatchObject({ features: { timers: before }, aws: { region: "us-east-1" } });
    // Another emulator has what was synthesized for it.
    await rememberState(deployedState, { ...deployed, endpoints: { s3: "http://127.0.0.1:1" } });
    await expect(find()).rejects.toThrow("local is not deployed yet");
    rmSync(deployedState);
  });

  it("says what it has when it does not have a feature", async () => {
    state = { outputs: { timers: { value: timers } }, resources: [] };
    const deployed = await find();
    expect(outputsOf("timers", deployed)).toEqual(timers);
    expect(() => outputsOf("heartbeats", deployed)).toThrow("local has no heartbeats. It has: timers");
    expect(() => pipelineOf("local", "jobOrder", deployed)).toThrow("local has no pipelines. It has: timers");
  });

  it("is not deployed without a state", async () => {
    state = 404;
    await expect(find()).rejects.toThrow("local is not deployed yet: npx almanac deploy local");
  });

  it.each([404, { outputs: {}, resources: [] }])("is not deployed yet while npm start deploys it: %j", async (yet) => {
    state = yet;
    const meanwhile = withLock(homeAt(folder).lock, {}, find);
    await expect(meanwhile).rejects.toThrow(/^local is being deployed now \(npm start, process \d+\)\. Wait until/);
  });

  it("is not said to be stopped while it starts", async () => {
    const home = join(folder, "elsewhere");
    const found = withLock(homeAt(home).lock, {}, () => findDeployed({ env: "local", app: "main.ts", home }));
    await expect(found).rejects.toThrow(/^Almanac is starting \(npm start, process \d+\)\. Wait until/);
  });

  it("does not run when its emulator does not", async () => {
    const home = join(folder, "nowhere");
    await expect(findDeployed({ env: "local", app: "main.ts", home })).rejects.toThrow(
      "Almanac is not running on this machine. Start it: npm start",
    );
  });
});
