// Reports one line for each test file to standard error. Steps write at the same time, so details wait for the end of `npm test`.
import { relative } from "node:path";
import colours from "picocolors";

export default class FileReporter {
  #global;

  constructor(globalConfig) {
    this.#global = globalConfig;
  }

  onTestResult({ path, context }, { numFailingTests, testExecError, perfStats, console: output }) {
    const failed = numFailingTests > 0 || testExecError !== undefined;
    const mark = failed ? colours.red("FAIL") : colours.green("PASS");
    const seconds = ((perfStats.end - perfStats.start) / 1000).toFixed(1);
    const lines = [`${mark} ${context.config.displayName.name} ${relative(this.#global.rootDir, path)} (${seconds} s)`];
    for (const { type, message } of output ?? []) lines.push(`  console.${type}: ${message}`);
    process.stderr.write(`${lines.join("\n")}\n`);
  }
}
