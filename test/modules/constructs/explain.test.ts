import { App } from "cdktf";
import { Environment } from "../../../modules/environment";
import { Feature } from "../../../modules/constructs/feature";

it("a resource's reasons are comments above it in the module's HCL, and nowhere else", () => {
  const environment = new Environment(new App(), "staging", { region: "eu-central-1", timers: {} });
  const timers = environment.node.findAll().find((construct) => construct instanceof Feature);
  const files = timers?.toFiles() ?? {};
  expect(files["api.tf"]).toMatch(
    /\n\n# Has the routes that exist when it is created\. .*\nresource "aws_api_gateway_deployment" /,
  );
  expect(files["functions.tf"]).toMatch(/\n\n# After the permissions of its role, .*\nresource "aws_lambda_function" /);
  expect(JSON.stringify(timers?.toModule())).not.toContain("Has the routes that exist");
});
