import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { validateMachine } from "../../../modules/asl/validate-machine";
import { Faultless } from "../../../modules/constructs/faultless";

const name = `faultless-test-${process.pid}`;
const folder = mkdtempSync(join(tmpdir(), "faultless-"));
afterAll(() => {
  for (const each of [folder, join(".almanac", name)]) rmSync(each, { recursive: true, force: true });
});

it("a content is checked once, and again when it or the check changes", () => {
  const source = join(folder, "check.ts");
  const madeOf = (text: string) => {
    writeFileSync(source, text);
    return new Faultless({ name, madeOf: [folder] });
  };
  expect(madeOf("one").has("content")).toBe(false);
  madeOf("one").add("content");
  expect(madeOf("one").has("content")).toBe(true);
  expect(madeOf("one").has("content ")).toBe(false);
  expect(madeOf("other").has("content")).toBe(false);
});

it("a machine with faults has them in each synthesis", () => {
  const machine = { StartAt: "a", States: { a: { Type: "Wait", End: true } } } as const;
  expect(() => {
    validateMachine(machine);
  }).toThrow("Seconds");
  expect(() => {
    validateMachine(machine);
  }).toThrow("Seconds");
});
