/** The watcher of the sources, as a process, with a stub in the place of AWS. */
import { mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { unzipSync } from "fflate";
import * as z from "zod";
import { bundleHandlers } from "../../../../modules/constructs/bundling/bundle";
import type { LiveEvent } from "../../../../scripts/local/live/events";
import { watchSources } from "../../../../scripts/local/live/run";
import { homeAt } from "../../../../scripts/shared/home";
import { rememberState } from "../../../../scripts/terraform/deployed-state";
import { codeSha256Of } from "../../../../scripts/local/live/deployed-functions";
import { startStubAws, writeStubHome, type StubAws } from "../../../support/stub-aws";

const CACHE = ".almanac/bundles";
const putSchema = z.object({ ZipFile: z.base64() });

const folder = mkdtempSync(join(tmpdir(), "almanac-watch-"));
const home = homeAt(folder);
const handler = join(folder, "handler.ts");
/** The code that the function has got, the latest last. */
const codes: string[] = [];
const events: LiveEvent[] = [];
let aws: StubAws;
let stop: (() => void) | undefined;

const sourceOf = (marker: string) => `export const handler = (): string => "${marker}";\n`;

const using = (file: string) => `import { text } from "./${file}";\nexport const handler = (): string => text;\n`;
const textOf = (text: string) => `export const text = "${text}";\n`;

beforeAll(async () => {
  let source_hash = "";
  aws = await startStubAws(({ operation, body }) => {
    if (operation === "GET /states/local") {
      const attributes = { key: "live-probe.zip", source: "assets/handler.zip", source_hash };
      return { resources: [{ mode: "managed", type: "aws_s3_object", name: "code", instances: [{ attributes }] }] };
    }
    if (operation === "GET /2015-03-31/functions") return { Functions: [] };
    if (operation !== "PUT /2015-03-31/functions/live-probe/code") return 404;
    const zip = unzipSync(Buffer.from(putSchema.parse(JSON.parse(body)).ZipFile, "base64"));
    codes.push(Buffer.from(zip["index.js"] ?? []).toString());
    return {};
  });
  writeFileSync(join(folder, "text.ts"), textOf("a text"));
  writeFileSync(handler, using("text"));
  const [bundle] = await bundleHandlers([relative(".", handler)]);
  source_hash = codeSha256Of(readFileSync(bundle?.zipFile ?? ""));
  writeStubHome(folder, aws.endpoint, {});
  const s3 = { bucket: "states", key: "local", region: "eu-central-1", endpoints: { s3: aws.endpoint } };
  await rememberState(home.deployedState, s3);
  // As npm start leaves it that has refused another app: the stack that was synthesized, without the code that is deployed.
  const refused = { terraform: { backend: { s3: { ...s3, bucket: "other-states" } } } };
  writeFileSync(join(home.stack, "cdk.tf.json"), JSON.stringify(refused));
});
afterAll(async () => {
  stop?.();
  await aws.close();
  for (const name of readdirSync(CACHE)) if (name.includes("almanac-watch-")) rmSync(join(CACHE, name));
  rmSync(folder, { recursive: true });
});

/** How many faults are expected so far. */
let faults = 0;

async function until(isDone: () => boolean): Promise<void> {
  while (!isDone()) {
    const ends = events.filter(({ kind }) => kind === "ended");
    if (ends.length > 0 || events.filter(({ kind }) => kind === "failed").length > faults)
      throw new Error(JSON.stringify(events));
    await sleep(10);
  }
}
const hasCode = (marker: string) => until(() => codes.at(-1)?.includes(marker) === true);
const saw = (kind: LiveEvent["kind"]) => until(() => events.some((event) => event.kind === kind));

it("puts each save into the function that has the handler, also one in two steps, and one after a fault", async () => {
  stop = watchSources({ home, app: "main.ts", since: Date.now(), onEvent: (event) => events.push(event) });
  await saw("watching");
  expect(events).toEqual([{ kind: "watching", functions: 1 }]);

  // Replaced, as editors save.
  writeFileSync(`${handler}~`, sourceOf("renamed"));
  renameSync(`${handler}~`, handler);
  await hasCode("renamed");

  for (const waitMs of [36, 40, 43, 46, 49]) {
    writeFileSync(handler, "");
    await sleep(waitMs);
    writeFileSync(handler, sourceOf(`after ${waitMs}`));
    await hasCode(`after ${waitMs}`);
  }

  faults = 1;
  writeFileSync(handler, `${sourceOf("broken")}}`);
  await saw("failed");
  writeFileSync(handler, sourceOf("mended"));
  await hasCode("mended");
  expect(codes.some((code) => code.includes("broken"))).toBe(false);

  // A file that it imports: deleted, created again, renamed.
  writeFileSync(handler, using("text"));
  await hasCode("a text");
  faults = 2;
  rmSync(join(folder, "text.ts"));
  await until(() => events.filter(({ kind }) => kind === "failed").length === faults);
  writeFileSync(join(folder, "text.ts"), textOf("created again"));
  await hasCode("created again");
  writeFileSync(join(folder, "text.ts"), textOf("saved again"));
  await hasCode("saved again");
  // It fails as long as the handler has the old name.
  faults = Infinity;
  renameSync(join(folder, "text.ts"), join(folder, "renamed.ts"));
  writeFileSync(handler, `${using("renamed")}console.log("moved");\n`);
  await hasCode("moved");
  expect(events.filter(({ kind }) => kind === "ended" || kind === "stack")).toEqual([]);
});
