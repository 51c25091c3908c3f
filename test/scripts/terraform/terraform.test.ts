import { isRecentEnough, terraformEnvironment, TerraformFailedError } from "../../../scripts/terraform/terraform";
import { SynthesisFailedError } from "../../../scripts/terraform/synthesize";

it.each([
  ["1.9.8", false],
  ["0.15.5", false],
  ["1.10.0", true],
  ["1.11.4", true],
  ["2.0.0", true],
])("takes Terraform %s: %s", (version, enough) => {
  expect(isRecentEnough(version)).toBe(enough);
});

it("works in the state of the environment, whatever workspace this shell has chosen", async () => {
  const before = process.env["TF_WORKSPACE"];
  process.env["TF_WORKSPACE"] = "other";
  try {
    expect(await terraformEnvironment()).not.toHaveProperty("TF_WORKSPACE");
  } finally {
    if (before === undefined) delete process.env["TF_WORKSPACE"];
    else process.env["TF_WORKSPACE"] = before;
  }
});

it.each([TerraformFailedError, SynthesisFailedError])("hides in a %p what looks like a secret", (Failed) => {
  const text = (value: string) => `terraform apply failed:\nmodule.a.aws_ssm_parameter.b: invalid value '${value}'`;
  expect(new Failed(text("sk_live_4eC39HqLyjWDarjtT1zdp7dc")).message).toBe(text("(sensitive)"));
  expect(new Failed(text("eu-central-1")).message).toBe(text("eu-central-1"));
});
