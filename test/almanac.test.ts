import { JSON_ARGUMENT } from "../scripts/shared/terminal/json-argument";
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { CONTENTS, programFor } from "../scripts/almanac";
import { cliReference } from "../scripts/dev/docs/cli-reference";
import { DocumentedCommand } from "../scripts/shared/terminal/command-line";

const paths = Object.values(CONTENTS).flatMap((entries) =>
  Object.entries(entries).flatMap(([name, item]) =>
    "verbs" in item ? Object.keys(item.verbs).map((verb) => [name, verb]) : [[name]],
  ),
);

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the command line as people do, without AWS credentials and without a local environment. */
function almanac(...args: readonly string[]): Promise<Ended> {
  return almanacWith({}, ...args);
}

function almanacWith(variables: Readonly<Record<string, string>>, ...args: readonly string[]): Promise<Ended> {
  const { PATH = "", HOME = "" } = process.env;
  const child = spawn(process.execPath, ["scripts/launcher/almanac.mjs", ...args], {
    env: { PATH, HOME, AWS_EC2_METADATA_DISABLED: "true", ...variables },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const read = { stdout: "", stderr: "" };
  for (const stream of ["stdout", "stderr"] as const)
    child[stream].on("data", (text: Buffer) => (read[stream] += text.toString()));
  return new Promise((settle) => {
    child.on("close", (code) => {
      settle({ code, ...read });
    });
  });
}

const nowhere = ["--home", "/nonexistent/home"];

// The first call compiles the command line.
beforeAll(() => almanac("--version"));

describe("the command line", () => {
  it("is described in docs/cli.md (node scripts/launcher/dev.mjs docs)", async () => {
    expect(readFileSync("docs/cli.md", "utf8")).toBe(await cliReference());
  });

  it.each(paths)("has a summary, a description and an example: %s %s", async (...words) => {
    let command = await programFor(words);
    for (const word of words) command = command.commands.find((each) => each.name() === word) ?? command;
    expect(command).toBeInstanceOf(DocumentedCommand);
    expect(command.summary()).not.toBe("");
    expect(command.helpInformation()).toMatch(new RegExp(`\\n {2}(.*\\| )?(npx almanac ${words.join(" ")}|npm )`));
  });

  it.each(paths)("takes JSON as it is, from a file and from standard input: %s %s", async (...words) => {
    let command = await programFor(words);
    for (const word of words) command = command.commands.find((each) => each.name() === word) ?? command;
    const taken = command.options.filter(
      ({ flags, description }) => flags.includes("<json>") && !description.startsWith("the same"),
    );
    for (const { description } of taken) expect(description).toContain(JSON_ARGUMENT);
  });

  it("shows its table of contents", async () => {
    const { code, stdout } = await almanac();
    expect(stdout).toMatchSnapshot();
    expect(code).toBe(0);
    expect((await almanac("help")).stdout).toBe(stdout);
  });

  it("explains a command", async () => {
    const { code, stdout } = await almanac("timers", "put", "--help");
    expect([code, stdout]).toEqual([0, expect.stringContaining('npx almanac timers put tea --every "15 minutes"')]);
    expect((await almanac("help", "timers", "put")).stdout).toBe(stdout);
  });
});

describe("a typing error is answered at once, with the nearest name:", () => {
  it.each([
    [["timrs", "ls"], "error: unknown command 'timrs'\n(Did you mean timers?)"],
    [["timers", "lst"], "error: unknown command 'lst'\n(Did you mean ls?)"],
    [["timers", "ls", "--onc"], "error: unknown option '--onc'\n(Did you mean --once?)"],
    [["cost", "lcal"], 'error: There is no environment "lcal". Did you mean local?'],
    [["timers", "ls", "--env", "stagin"], 'error: There is no environment "stagin". Did you mean staging?'],
    [["review", "prod"], 'error: There is no environment "prod". Did you mean production?'],
    [["deploy", "Staging"], 'error: "Staging" cannot be an environment: names are 1 to 12 lower case letters'],
    [["timers", "put"], "error: missing required argument 'id'"],
    [["timers", "ls", ...nowhere], "error: Which environment? Pass --env: local, staging, production."],
  ])("%j", async (words, message) => {
    const { code, stdout, stderr } = await almanac(...words);
    expect(stderr).toContain(message);
    expect([code, stdout]).toEqual([2, ""]);
  });
});

describe("an error is a sentence:", () => {
  it("local is not running", async () => {
    const { code, stderr } = await almanac("timers", "ls", "--env", "local", ...nowhere);
    expect([code, stderr]).toEqual([3, "error: Almanac is not running on this machine. Start it: npm start\n"]);
  });

  it("a file is missing", async () => {
    const { code, stderr } = await almanac("review", "staging", "--plan", "missing.json");
    expect([code, stderr]).toEqual([1, expect.stringMatching(/^error: .*missing\.json: no such file or folder\n$/)]);
  });

  it("the app is missing", async () => {
    const { code, stderr } = await almanac("cost", "staging", "--app", "missing.ts");
    expect([code, stderr]).toEqual([
      1,
      "error: There is no app missing.ts. Pass --app with the file that declares the environments.\n",
    ]);
  });

  it("production must be named twice", async () => {
    const { code, stderr } = await almanac("destroy", "production", "--yes");
    expect(stderr).toContain("npx almanac destroy production --yes-destroy production");
    expect(code).toBe(1);
  });
});

describe("called wrongly is", () => {
  it.each<[of: string, words: readonly string[], says: string]>([
    ["a folder in place of a file", ["review", "staging", "--plan", "test"], "It is a folder."],
    ["a folder in place of the app", ["timers", "ls", "--app", "test"], "It is a folder."],
    ["a folder in place of JSON", ["workflows", "start", "order-1", "test"], "test is a folder"],
    [
      "a folder in place of certificates",
      ["heartbeats", "check", "https://x.test", "--ca", "test"],
      "--ca: test: is a folder",
    ],
    ["an empty prefix, which all timers have", ["timers", "pause", "--prefix", ""], "It is empty."],
    ["an empty home, which is the current folder", ["start", "--home", ""], "It is empty."],
    ["an empty id to follow", ["logs", "--id", ""], "It is empty."],
    ["a manifest without its bucket", ["exports", "restore", "_manifest.json", "orders"], "is not s3://<bucket>/<key>"],
    ["an edited message that is not sent", ["pipelines", "dead", "ls", "orders", "--body", "{}"], "only for redrive"],
    ["an empty id of a task", ["workflows", "show", ""], "It is empty."],
    ["an empty key of a message", ["pipelines", "tail", "orders", ""], "It is empty."],
    [
      "a comment that is too long",
      ["workflows", "approve", "order-1", "--comment", "x".repeat(501)],
      "--comment: is longer than 500 characters",
    ],
    [
      "a zone for a schedule that has one",
      ["schedules", "preview", "invoices", "--zone", "Asia/Tokyo"],
      "invoices has its own time zone",
    ],
    ["one dead letter of a list", ["pipelines", "dead", "ls", "orders", "17"], "show has one"],
  ])("%s", async (_, words, says) => {
    const { code, stdout, stderr } = await almanac(...words);
    expect([code, stdout, stderr]).toEqual([2, "", expect.stringContaining(says)]);
  });
});

describe("a review of a saved plan", () => {
  const review = (...options: readonly string[]) =>
    almanac("review", "bench", "--plan", "test/scripts/review/plans/first-job.json", ...options);

  it("is Markdown, or JSON for programs; its exit code tells of lost data", async () => {
    const { code, stdout } = await review();
    expect([code, stdout]).toEqual([4, expect.stringMatching(/^# Review of `bench`\n/)]);
    const json = await review("--json");
    expect(json.code).toBe(4);
    expect(JSON.parse(json.stdout)).toMatchObject({ environment: "bench", dataLoss: [{ allowed: false }, {}] });
  });
});

it("output that is lost because the disk is full fails the command, in a sentence", async () => {
  if (process.platform !== "linux") return;
  const child = spawn("sh", ["-c", `"${process.execPath}" scripts/launcher/almanac.mjs --help > /dev/full`]);
  let stderr = "";
  child.stderr.on("data", (text: Buffer) => (stderr += text.toString()));
  const code = await new Promise((settle) => child.on("close", settle));
  expect([code, stderr]).toEqual([1, "error: standard output: no space left on the disk\n"]);
});

describe("output into a closed pipe", () => {
  it("ends quietly", async () => {
    const child = spawn("sh", ["-c", `"${process.execPath}" scripts/launcher/almanac.mjs --help | head -1`], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    let output = "";
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (text: Buffer) => (output += text.toString()));
    await new Promise((settle) => child.on("close", settle));
    expect(output).toBe("Usage: almanac [options] [command]\n");
  });
});
