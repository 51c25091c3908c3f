/** Save to live: the watcher of `npm start` on the deployed system. */
import { readFile, writeFile } from "node:fs/promises";
import { InvokeCommand, LambdaClient } from "@aws-sdk/client-lambda";
import { followFunctions, type FunctionLine } from "../../scripts/emulator/function-logs";
import { restoreDeployedCode } from "../../scripts/local/live/deployed-functions";
import type { LiveEvent } from "../../scripts/local/live/events";
import { watchSources } from "../../scripts/local/live/run";
import { awsConfiguration, eventually, readSystem, stackDirectory, withDeployment } from "./support/system";

const HANDLER = "functions/examples/minute-report.ts";
const FUNCTION = "almanac-local-schedules-minuteReport";

let endpoint: string;
let lambda: LambdaClient;
let source: string;
const session = new AbortController();
const [events, lines]: [LiveEvent[], FunctionLine[]] = [[], []];

beforeAll(async () => {
  ({ endpoint } = await readSystem());
  lambda = new LambdaClient(awsConfiguration(endpoint));
  source = await readFile(HANDLER, "utf8");
  void (async () => {
    for await (const line of followFunctions(endpoint, session.signal)) lines.push(line);
  })();
});
afterAll(async () => {
  await writeFile(HANDLER, source);
  session.abort();
  lambda.destroy();
});

const seen = (kind: LiveEvent["kind"], count: number) =>
  eventually(
    () => Promise.resolve(events.filter((event) => event.kind === kind)),
    (found) => found.length >= count,
    30_000,
  );

/** Loads the code: as a run, its event is invalid. */
async function invoke(): Promise<void> {
  await lambda.send(new InvokeCommand({ FunctionName: FUNCTION, Payload: "{}" }));
}

async function logged(text: string): Promise<boolean> {
  await invoke();
  return lines.some(({ message, functionName }) => message.includes(text) && functionName === FUNCTION);
}

it("makes a saved handler live, with its type errors, and the next start has what is deployed", async () => {
  // Its code is not as Terraform deployed it.
  await withDeployment(async () => {
    const watch = { stack: stackDirectory, app: "test/e2e/support/app.ts", since: Date.now() };
    const stop = watchSources({ ...watch, onEvent: (event) => events.push(event) });
    try {
      await seen("watching", 1);
      await writeFile(HANDLER, `${source}\nconsole.log("saved once");\nexport const wrong: string = 1;\n`);
      expect(await seen("live", 1)).toMatchObject([{ functions: [FUNCTION] }]);
      await eventually(() => logged("saved once"), Boolean, 10_000);
      expect(await seen("types", 1)).toEqual([
        {
          kind: "types",
          errors: [expect.stringMatching(/^functions\/examples\/minute-report\.ts:\d+:\d+ Type 'number'/)],
        },
      ]);
      await writeFile(HANDLER, `${source}\nconsole.log("saved twice");\n`);
      await seen("live", 2);
      await eventually(() => logged("saved twice"), Boolean, 10_000);
      expect((await seen("types", 2))[1]).toEqual({ kind: "types", errors: [] });
      expect(events.filter(({ kind }) => ["failed", "stack", "ended"].includes(kind))).toEqual([]);
    } finally {
      stop();
      await writeFile(HANDLER, source);
    }
    // Nothing watches: as if the source had been reverted between two starts.
    await expect(restoreDeployedCode(stackDirectory)).resolves.toEqual([FUNCTION]);
    await expect(restoreDeployedCode(stackDirectory)).resolves.toEqual([]);
    const before = lines.length;
    await eventually(invoke, () => lines.length > before, 10_000);
    expect(lines.slice(before).map(({ message }) => message)).not.toContainEqual(expect.stringContaining("saved"));
  });
}, 120_000);
