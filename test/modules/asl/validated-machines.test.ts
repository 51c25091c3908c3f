import { isValidated, rememberValidated } from "../../../modules/asl/validated-machines";
import { aslFaults } from "../../../modules/asl/checks";

it("a definition is validated once, and again when it changes", () => {
  const definition = JSON.stringify({ StartAt: `only-in-this-test-${process.pid}`, States: {} });
  expect(isValidated(definition)).toBe(false);
  rememberValidated(definition);
  expect(isValidated(definition)).toBe(true);
  expect(isValidated(`${definition} `)).toBe(false);
});

it("a machine with faults has them in each synthesis", () => {
  const machine = { StartAt: "a", States: { a: { Type: "Wait", End: true } } } as const;
  const first = aslFaults(machine);
  expect(first).not.toEqual([]);
  expect(isValidated(JSON.stringify(machine))).toBe(false);
});
