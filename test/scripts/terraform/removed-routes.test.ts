import {
  APIGatewayClient,
  GetDeploymentCommand,
  GetResourcesCommand,
  NotFoundException,
} from "@aws-sdk/client-api-gateway";
import { mockClient } from "aws-sdk-client-mock";
import { describeRemoved, staleDeployments } from "../../../scripts/terraform/removed-routes";

const apiGateway = mockClient(APIGatewayClient);
const find = () => staleDeployments([deployment, table], new APIGatewayClient({ region: "eu-central-1" }));

const address = "module.pipelines.aws_api_gateway_deployment.api";
const type = "aws_api_gateway_deployment";
const deployment = { address, module: "pipelines", type, values: { id: "d1", rest_api_id: "a1" } };
const table = { address: "aws_dynamodb_table.t", module: "", type: "aws_dynamodb_table", values: {} };
const serves = (...routes: readonly [method: string, path: string][]) => {
  const apiSummary = Object.fromEntries(
    routes.map(([method, path]) => [path, { [method]: { apiKeyRequired: false } }]),
  );
  apiGateway.on(GetDeploymentCommand).resolves({ apiSummary });
};
const resource = (method: string, path: string) => ({ path, resourceMethods: { [method]: {} } });

beforeEach(() => {
  apiGateway.reset();
  // Two pages.
  apiGateway.on(GetResourcesCommand).resolves({ items: [{ path: "/" }, resource("POST", "/orders")], position: "2" });
  apiGateway.on(GetResourcesCommand, { position: "2" }).resolves({ items: [resource("PUT", "/invoices")] });
});

describe("a stage that serves removed routes", () => {
  it("is found, with its routes", async () => {
    serves(["POST", "/orders"], ["POST", "/removed"], ["PUT", "/invoices"], ["GET", "/gone"]);
    expect(await find()).toEqual([{ address, routes: ["GET /gone", "POST /removed"] }]);
    const [command] = apiGateway.commandCalls(GetDeploymentCommand);
    // Without it AWS leaves the routes out.
    expect(command?.args[0].input).toEqual({ restApiId: "a1", deploymentId: "d1", embed: ["apisummary"] });
  });

  it("is one whose path has lost a method, too", async () => {
    serves(["DELETE", "/orders"]);
    expect(await find()).toEqual([{ address, routes: ["DELETE /orders"] }]);
  });

  it("is none that serves its API's routes, or fewer", async () => {
    serves(["POST", "/orders"], ["PUT", "/invoices"]);
    expect(await find()).toEqual([]);
    serves(["POST", "/orders"]);
    expect(await find()).toEqual([]);
  });

  it("is none of a deployment that was deleted, or of an emulator that does not say", async () => {
    apiGateway.on(GetDeploymentCommand).rejects(new NotFoundException({ message: "Invalid", $metadata: {} }));
    expect(await find()).toEqual([]);
    apiGateway.on(GetDeploymentCommand).resolves({});
    expect(await find()).toEqual([]);
  });
});

it("names the routes that are no longer served", () => {
  expect(describeRemoved([])).toBe("");
  expect(describeRemoved(["GET /a", "PUT /b"])).toBe("; no longer served: GET /a, PUT /b");
});
