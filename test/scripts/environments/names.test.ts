import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  checkName,
  chosenEnvironment,
  declaredEnvironments,
  requireFindable,
} from "../../../scripts/environments/names";

let folder: string;
beforeAll(() => (folder = mkdtempSync(join(tmpdir(), "almanac-names-"))));
afterAll(() => {
  rmSync(folder, { recursive: true });
});

const appOf = (text: string): string => {
  const app = join(folder, "app.ts");
  writeFileSync(app, text);
  return app;
};
const MAIN = 'new Environment(app, "local", {});\nnew Environment(\n  app,\n  "staging",\n  staging,\n);';

describe("the environments of an app", () => {
  it("are read from its text", () => {
    expect(declaredEnvironments(appOf(MAIN))).toEqual({ names: ["local", "staging"], complete: true });
  });

  it("are not complete where a name is not in the text", () => {
    expect(declaredEnvironments(appOf(`${MAIN}\nnew Environment(app, name, {});`))).toMatchObject({ complete: false });
    expect(declaredEnvironments(appOf("personalEnvironment(app, {});"))).toEqual({ names: [], complete: false });
    expect(declaredEnvironments("missing.ts")).toEqual({ names: [], complete: false });
  });

  it("are those of main.ts", () => {
    expect(declaredEnvironments("main.ts")).toEqual({ names: ["local", "staging", "production"], complete: true });
  });
});

describe("an environment's name", () => {
  it.each(["local", "staging", "alice"])("may be %s", (name) => {
    expect(() => {
      checkName(name, appOf(MAIN));
    }).not.toThrow();
  });

  it.each([
    ["lcal", 'There is no environment "lcal". Did you mean local?'],
    [
      "Staging",
      '"Staging" cannot be an environment: names are 1 to 12 lower case letters and digits, a letter first. Did you mean staging?',
    ],
    ["my-own", '"my-own" cannot be an environment'],
  ])("is refused when it is %s", (name, message) => {
    expect(() => {
      checkName(name, appOf(MAIN));
    }).toThrow(message);
  });

  it("may resemble another where the app has environments that its text does not show", () => {
    expect(() => {
      checkName("staging2", appOf(`${MAIN}\nnew Environment(app, name, {});`));
    }).not.toThrow();
  });
});

describe("a name that nothing on this machine knows", () => {
  const { ALMANAC_AWS_ENDPOINT } = process.env;
  beforeEach(() => {
    delete process.env["ALMANAC_AWS_ENDPOINT"];
  });
  afterAll(() => {
    Object.assign(process.env, ALMANAC_AWS_ENDPOINT !== undefined && { ALMANAC_AWS_ENDPOINT });
  });
  const [none, some] = [false, true].map((found) => () => Promise.resolve(found));

  it("is answered with those of the app where there are no AWS credentials to look it up", async () => {
    await expect(requireFindable("nowhere", appOf(MAIN), none)).rejects.toThrow(
      'has no environment "nowhere": it has local, staging. A personal environment needs AWS credentials, and none were found.',
    );
  });

  it("may be a personal environment, or one that the app's text does not show", async () => {
    await expect(requireFindable("alice", appOf(MAIN), some)).resolves.toBeUndefined();
    const app = appOf(`${MAIN}\nnew Environment(app, name, {});`);
    await expect(requireFindable("alice", app, none)).resolves.toBeUndefined();
    process.env["ALMANAC_AWS_ENDPOINT"] = "http://127.0.0.1:4566";
    await expect(requireFindable("alice", appOf(MAIN), none)).resolves.toBeUndefined();
  });

  it("is not asked about when the app has it", async () => {
    const asked = jest.fn(() => Promise.resolve(false));
    await expect(requireFindable("staging", appOf(MAIN), asked)).resolves.toBeUndefined();
    expect(asked).not.toHaveBeenCalled();
  });
});

describe("the environment of a command", () => {
  const { ALMANAC_ENVIRONMENT, ALMANAC_AWS_ENDPOINT } = process.env;
  beforeEach(() => {
    delete process.env["ALMANAC_ENVIRONMENT"];
    delete process.env["ALMANAC_AWS_ENDPOINT"];
  });
  afterAll(() => {
    Object.assign(process.env, ALMANAC_ENVIRONMENT !== undefined && { ALMANAC_ENVIRONMENT });
    Object.assign(process.env, ALMANAC_AWS_ENDPOINT !== undefined && { ALMANAC_AWS_ENDPOINT });
  });
  const choose = (env?: string) =>
    chosenEnvironment({ app: appOf(MAIN), home: join(folder, "home"), ...(env !== undefined && { env }) });

  it("is the one that was named, else ALMANAC_ENVIRONMENT", async () => {
    process.env["ALMANAC_ENVIRONMENT"] = "staging";
    expect(await choose("alice")).toBe("alice");
    expect(await choose()).toBe("staging");
  });

  it("is local when that runs, else it must be named", async () => {
    await expect(choose()).rejects.toThrow("Which environment? Pass --env: local, staging. Or start local: npm start");
    process.env["ALMANAC_AWS_ENDPOINT"] = "http://127.0.0.1:4566";
    expect(await choose()).toBe("local");
  });
});
