/** All that is synthesized, to the last attribute: a file for the environment's stack and one for each module. */
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseJsonText } from "../../modules/hcl/json-text";
import { EVERYTHING } from "../support/everything";
import { synthesize } from "../support/synthesized";

const FOLDER = "test/modules/snapshots";
const { root, modules } = synthesize(EVERYTHING);
const stacks: Readonly<Record<string, unknown>> = { environment: root, ...modules };

/** Sorted, without cdktf's metadata and hashes; JSON in strings is written as what it says. */
function canonical(value: unknown): unknown {
  if (typeof value === "string" && /^[0-9a-f]{64}$/.test(value)) return "(SHA-256)";
  if (typeof value === "string" && /^[[{].*[\]}]$/s.test(value)) {
    const document = parseJsonText(value);
    return document === undefined ? value : { "(JSON)": canonical(document) };
  }
  if (Array.isArray(value)) return value.map(canonical);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([name]) => name !== "//")
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, item]) => [name, canonical(item)]),
  );
}

it.each(Object.entries(stacks))("%s is as it was: UPDATE_SNAPSHOTS=1 after an intended change", (name, stack) => {
  const file = join(FOLDER, `${name}.json`);
  const text = `${JSON.stringify(canonical(stack), undefined, 2)}\n`;
  if (process.env["UPDATE_SNAPSHOTS"] === "1") {
    mkdirSync(FOLDER, { recursive: true });
    writeFileSync(file, text);
  }
  expect(text).toBe(existsSync(file) ? readFileSync(file, "utf8") : "");
});

it("has a file for each, and no other", () => {
  expect(readdirSync(FOLDER).sort()).toEqual(
    Object.keys(stacks)
      .map((name) => `${name}.json`)
      .sort(),
  );
});
