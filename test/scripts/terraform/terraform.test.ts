import { isRecentEnough } from "../../../scripts/terraform/terraform";

it.each([
  ["1.9.8", false],
  ["0.15.5", false],
  ["1.10.0", true],
  ["1.11.4", true],
  ["2.0.0", true],
])("takes Terraform %s: %s", (version, enough) => {
  expect(isRecentEnough(version)).toBe(enough);
});
