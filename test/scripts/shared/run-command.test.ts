import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { identifyProcess, isRunning, type ProcessIdentity } from "../../../scripts/shared/processes";
import {
  commandOutput,
  CommandFailedError,
  CommandNotFoundError,
  runCommand,
} from "../../../scripts/shared/run-command";

const node = (program: string, options = {}) => runCommand(process.execPath, ["-e", program], options);

describe("a command", () => {
  it("gives its output, line by line and whole", async () => {
    const lines: string[] = [];
    const result = await node("console.log('one\\ntwo'); console.error('three'); process.exit(4)", {
      onLine: (line: string) => lines.push(line),
    });
    expect(result).toEqual({ code: 4, stdout: "one\ntwo", stderr: "three" });
    expect(lines.sort()).toEqual(["one", "three", "two"]);
  });

  it("that fails says which it was, its exit code, and what it wrote", async () => {
    const failing = commandOutput(process.execPath, ["-e", "console.error('no such thing'); process.exit(3)"]);
    await expect(failing).rejects.toThrow(CommandFailedError);
    await expect(failing).rejects.toThrow(/ended with exit code 3:\nno such thing$/);
  });

  it("that is not there is told from a folder that is not there", async () => {
    await expect(runCommand("almanac-no-such-command", [])).rejects.toThrow(CommandNotFoundError);
    await expect(node("", { cwd: "/no/such/folder" })).rejects.toThrow("/no/such/folder: no such folder");
  });

  it("is interrupted when it is no longer wanted", async () => {
    const interrupt = new AbortController();
    const running = node(
      "process.on('SIGINT', () => process.exit(7)); console.log('up'); setInterval(() => {}, 1000)",
      {
        signal: interrupt.signal,
        onLine: () => {
          interrupt.abort();
        },
      },
    );
    expect((await running).code).toBe(7);
  });

  const onPosix = process.platform === "win32" ? it.skip : it;
  onPosix("ends with what it has started when this process is killed, if it is to", async () => {
    // Each writes its id; the second is started by the first.
    const program = "echo $$; sleep 60 & echo $!; wait";
    const script = `
      const { runCommand } = require("./scripts/shared/run-command.ts");
      void runCommand("sh", ["-c", ${JSON.stringify(program)}], { endsWithUs: true, onLine: console.log });`;
    const parent = spawn(process.execPath, ["--import", "tsx", "-e", script], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const started: ProcessIdentity[] = [];
    for await (const line of createInterface({ input: parent.stdout })) {
      const identity = identifyProcess(Number(line));
      if (identity !== undefined) started.push(identity);
      if (started.length === 2) break;
    }
    expect(started).toHaveLength(2);
    parent.kill("SIGKILL");
    while (started.some(isRunning)) await sleep(10);
  });
});
