import {
  ACTIONS,
  actionOf,
  argumentsOf,
  callOf,
  commandLine,
  type ActionName,
} from "../../../scripts/console/actions/actions";
import { loadedCommands } from "../../../scripts/almanac";
import fc from "../../support/fast-check";

const NAMES = Object.keys(ACTIONS) as ActionName[];
const WHERE = { "--env": "staging" };

describe("an action", () => {
  it.each(NAMES)("%s is one command, whatever is entered", (name) => {
    const { given, fields = [] } = actionOf(name);
    const names = [...given, ...fields.map((field) => field.name)];
    fc.assert(
      fc.property(
        fc.array(fc.string({ maxLength: 20 }), { minLength: names.length, maxLength: names.length }),
        (texts) => {
          const values = Object.fromEntries(names.map((each, index) => [each, texts[index] ?? ""]));
          const call = callOf(name, values);
          const args = argumentsOf(call, WHERE);
          expect(args.slice(0, call.words.length)).toEqual(call.words);
          // What a person enters is one word, behind an option's name or after `--`.
          const separator = args.indexOf("--");
          expect(args.slice(separator + 1)).toEqual(call.positional);
          for (const option of args.slice(call.words.length, separator)) expect(option).toMatch(/^--[a-z-]+(=|$)/);
          expect(args.includes("--env=staging")).toBe(call.ofEmulator !== true);
        },
      ),
    );
  });

  it("sets a new timer, and replaces none that another viewer has set", () => {
    const call = callOf("timers.put", { id: "tea", every: "1 hour" });
    expect(argumentsOf(call, WHERE)).toEqual([
      ...["timers", "put", "--every=1 hour", "--new", "--env=staging", "--"],
      "tea",
    ]);
  });

  it("has options that its command has", async () => {
    const commands = await loadedCommands();
    for (const name of NAMES) {
      const { given, fields = [] } = actionOf(name);
      const names = [...given, ...fields.map((field) => field.name)];
      const { words, options = {} } = callOf(name, Object.fromEntries(names.map((each) => [each, "x"])));
      const command = commands.find((each) => each.words.join(" ") === words.join(" "))?.command;
      expect([name, command?.options.map(({ long }) => long)]).toEqual([
        name,
        expect.arrayContaining(Object.keys(options)),
      ]);
    }
  });

  it("takes no value that it does not ask for, and none of Object.prototype", () => {
    const call = callOf("timers.fire", { id: "tea", kind: "oneshot", "--app": "evil.ts" });
    expect(argumentsOf(call, WHERE)).toEqual(["timers", "fire", "--once", "--env=staging", "--", "tea"]);
    expect(callOf("timers.fire", {}).positional).toEqual([""]);
  });

  it("of the clock is of the emulator, whose commands have no environment", () => {
    const where = { ...WHERE, "--app": "/app.ts", "--home": "/home" };
    expect(argumentsOf(callOf("clock.advance", { by: "1d" }), where)).toEqual([
      ...["clock", "advance", "--no-wait", "--home=/home", "--", "1d"],
    ]);
  });

  it("starts a task with an input that is longer than an argument may be", () => {
    const input = JSON.stringify({ note: "é".repeat(120_000) });
    const call = callOf("workflows.start", { workflow: "task", task: "order-1", input });
    expect(call.input).toBe(input);
    expect(argumentsOf(call, WHERE)).toEqual(
      expect.arrayContaining(["workflows", "start", "--workflow=task", "--input=-", "order-1"]),
    );
    expect(callOf("workflows.start", { workflow: "task", task: "order-1", input: "{}" })).toMatchObject({
      options: { "--input": "{}" },
    });
  });

  it("sets and changes a timer whose data are longer than an argument may be", () => {
    const data = JSON.stringify({ note: "é".repeat(100_000) });
    for (const [name, values] of [
      ["timers.put", { id: "tea", in: "90s", data }],
      ["timers.change", { id: "tea", every: "1 hour", data }],
      ["timers.changeOnce", { id: "tea", at: "2026-11-21T07:00:00Z", data }],
    ] as const) {
      const { input, ...call } = callOf(name, values);
      expect([input, argumentsOf(call, WHERE)]).toEqual([data, expect.arrayContaining(["--data=-", "tea"])]);
    }
  });

  it("sends a message as often as asked, 100 times at most, a line each", () => {
    const send = (times: string) =>
      callOf("pipelines.send", { pipeline: "jobOrder", message: '{\n  "a": 1\n}', times }).input;
    expect(send("2")).toBe('{ "a": 1 }\n{ "a": 1 }');
    for (const [times, lines] of [
      ["1000", 100],
      ["-1", 1],
      ["x", 1],
      ["Infinity", 100],
    ] as const)
      expect(send(times)?.split("\n")).toHaveLength(lines);
  });
});

describe("the command of an action", () => {
  it("can be pasted into a shell", () => {
    expect(commandLine(callOf("timers.fire", { kind: "periodic", id: "$(reboot)" }), WHERE)).toBe(
      "npx almanac timers fire --env=staging '$(reboot)'",
    );
    expect(commandLine(callOf("timers.fire", { kind: "periodic", id: "-x'y" }), WHERE)).toBe(
      "npx almanac timers fire --env=staging -- '-x'\\''y'",
    );
    expect(commandLine(callOf("pipelines.send", { pipeline: "jobOrder", message: "{}", times: "1" }), WHERE)).toBe(
      "printf %s '{}' | npx almanac pipelines send --env=staging jobOrder",
    );
  });
});
