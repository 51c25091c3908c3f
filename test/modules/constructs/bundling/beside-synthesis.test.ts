import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { unzipSync } from "fflate";
import { finishBundling, startBundling, zipOf } from "../../../../modules/constructs/bundling/beside-synthesis";

// In the project, as all handlers are.
const folder = `.almanac/test-bundling-${process.pid}`;
mkdirSync(folder, { recursive: true });
afterAll(() => {
  rmSync(folder, { recursive: true });
  for (const zip of zips) for (const file of [zip, zip.replace(/zip$/, "json")]) rmSync(file, { force: true });
});

const zips: string[] = [];
function zipWith(name: string, code: string): string {
  writeFileSync(`${folder}/${name}.ts`, code);
  const zip = zipOf(`${folder}/${name}.ts`);
  zips.push(zip);
  return zip;
}
const codeIn = (zip: string) => Buffer.from(unzipSync(readFileSync(zip))["index.js"] ?? []).toString();

describe("zips that are made beside a synthesis", () => {
  it("are there when it ends: those of the start, and those that were asked for later", () => {
    const early = zipWith("early", "export const handler = () => 'asked for early';");
    startBundling();
    const late = zipWith("late", "export const handler = () => 'asked for late';");
    finishBundling();
    expect([codeIn(early), codeIn(late)]).toEqual([
      expect.stringContaining("asked for early"),
      expect.stringContaining("asked for late"),
    ]);
  });

  it("are those of the handlers that were asked for, and no others", () => {
    writeFileSync(`${folder}/neighbour.ts`, "export const handler = () => 'not asked for';");
    const zip = zipWith("alone", "export const handler = () => 'alone';");
    finishBundling();
    expect([existsSync(zip), existsSync(zip.replace("alone", "neighbour"))]).toEqual([true, false]);
  });

  it("say what does not build, and are built once it does", () => {
    const zip = zipWith("broken", "export const handler = () => {");
    startBundling();
    expect(() => {
      finishBundling();
    }).toThrow(`${folder}/broken.ts`);
    zipWith("broken", "export const handler = () => 'mended';");
    finishBundling();
    expect(codeIn(zip)).toContain("mended");
  });
});
