import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { unzipSync } from "fflate";
import {
  bundleAhead,
  finishBundling,
  startBundling,
  zipOf,
} from "../../../../modules/constructs/bundling/beside-synthesis";
import { BundleCache } from "../../../../modules/constructs/bundling/cache";

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

describe("zips that are made before it is known which are needed", () => {
  const broken = `${folder}/unneeded.ts`;
  beforeAll(() => {
    writeFileSync(broken, "export const handler = () => {");
  });
  afterEach(() => {
    jest.restoreAllMocks();
  });
  /** Where nothing has been bundled yet, in a project with these handlers. */
  function ahead(entries: readonly string[], isEmpty = true): void {
    jest.spyOn(BundleCache.prototype, "isEmpty", "get").mockReturnValue(isEmpty);
    bundleAhead(() => entries);
  }

  it("are those of all handlers, needed or not", () => {
    const [needed, other] = ["needed", "other"].map((name) => {
      writeFileSync(`${folder}/${name}.ts`, `export const handler = () => '${name} early';`);
      return `${folder}/${name}.ts`;
    });
    ahead([needed ?? "", other ?? ""]);
    const zip = zipOf(needed ?? "");
    startBundling();
    finishBundling();
    const unasked = new BundleCache().zipFileOf(other ?? "");
    zips.push(zip, unasked);
    expect([codeIn(zip), codeIn(unasked)]).toEqual([
      expect.stringContaining("needed early"),
      expect.stringContaining("other early"),
    ]);
  });

  it("are made again without one that does not build, unless that one is needed", () => {
    writeFileSync(`${folder}/beside.ts`, "export const handler = () => 'beside a broken one';");
    ahead([`${folder}/beside.ts`, broken]);
    const zip = zipOf(`${folder}/beside.ts`);
    zips.push(zip);
    finishBundling();
    expect(codeIn(zip)).toContain("beside a broken one");

    ahead([`${folder}/beside.ts`, broken]);
    zipOf(broken);
    expect(() => {
      finishBundling();
    }).toThrow(broken);
    writeFileSync(broken, "export const handler = () => 'mended';");
    finishBundling();
    zips.push(zipOf(broken));
  });

  it("are none where something has been bundled: what is needed is known in a moment", () => {
    writeFileSync(`${folder}/later.ts`, "export const handler = () => 'later';");
    ahead([`${folder}/later.ts`], false);
    finishBundling();
    expect(existsSync(new BundleCache().zipFileOf(`${folder}/later.ts`))).toBe(false);
  });
});
