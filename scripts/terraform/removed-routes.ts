/**
 * Removes routes from an API's stage. A stage serves the routes that its API had when its deployment was created, and Terraform deletes
 * what is no longer configured after it has created everything else: a removed route would be served until the next deployment of its API.
 */
import {
  APIGatewayClient,
  GetDeploymentCommand,
  NotFoundException,
  paginateGetResources,
} from "@aws-sdk/client-api-gateway";
import * as z from "zod";
import type { Resource } from "../../modules/synthesized/resources";
import { readState, resourcesOfState } from "./state";
import { awsSettingsOf, readStateBackend } from "./state-bucket";
import { terraformApplyPlan, terraformPlan, terraformShowPlan, type TerraformOptions } from "./terraform";
import { withPlanFile } from "./work-folder";

/** An API deployment that serves routes which its API no longer has. */
export interface StaleDeployment {
  readonly address: string;
  /** `POST /pipelines/invoice` */
  readonly routes: readonly string[];
}

/** Something else has changed since the plan that was applied. */
export class RoutesNotRemovedError extends Error {
  override readonly name = "RoutesNotRemovedError";
}

const DEPLOYMENT = "aws_api_gateway_deployment";
/** What a new deployment changes. */
const REDEPLOYED: ReadonlySet<string> = new Set([DEPLOYMENT, "aws_api_gateway_stage"]);

const deploymentSchema = z.object({ id: z.string(), rest_api_id: z.string() });

const planSchema = z.object({
  resource_changes: z.array(
    z.object({ address: z.string(), type: z.string(), change: z.object({ actions: z.array(z.string()) }) }),
  ),
});

const isRead = (action: string): boolean => action === "no-op" || action === "read";

/** Compares the deployments of a state with their APIs. */
export async function staleDeployments(
  resources: readonly Resource[],
  apiGateway: APIGatewayClient,
): Promise<readonly StaleDeployment[]> {
  const deployments = resources.filter(({ type }) => type === DEPLOYMENT);
  const compared = await Promise.all(
    deployments.map(async ({ address, values }) => {
      const { id: deploymentId, rest_api_id: restApiId } = deploymentSchema.parse(values);
      const deployed = await deployedRoutes(restApiId, deploymentId, apiGateway);
      const routes = deployed.length === 0 ? new Set() : await routesOf(restApiId, apiGateway);
      return { address, routes: deployed.filter((route) => !routes.has(route)).sort() };
    }),
  );
  return compared.filter(({ routes }) => routes.length > 0);
}

/** None: the deployment was deleted outside Terraform, or an emulator does not say. */
async function deployedRoutes(
  restApiId: string,
  deploymentId: string,
  apiGateway: APIGatewayClient,
): Promise<readonly string[]> {
  const command = new GetDeploymentCommand({ restApiId, deploymentId, embed: ["apisummary"] });
  try {
    const { apiSummary = {} } = await apiGateway.send(command);
    return Object.entries(apiSummary).flatMap(([path, methods]) => Object.keys(methods).map((it) => `${it} ${path}`));
  } catch (error) {
    if (error instanceof NotFoundException) return [];
    throw error;
  }
}

async function routesOf(restApiId: string, client: APIGatewayClient): Promise<ReadonlySet<string>> {
  const routes = new Set<string>();
  for await (const { items = [] } of paginateGetResources({ client, pageSize: 500 }, { restApiId }))
    for (const { path = "", resourceMethods = {} } of items)
      for (const method of Object.keys(resourceMethods)) routes.add(`${method} ${path}`);
  return routes;
}

/** The deployments of an environment that serve removed routes. */
export async function findStaleDeployments(directory: string): Promise<readonly StaleDeployment[]> {
  const backend = await readStateBackend(directory);
  const state = await readState(backend);
  if (state === undefined) return [];
  const apiGateway = new APIGatewayClient(awsSettingsOf(backend));
  try {
    return await staleDeployments(resourcesOfState(state), apiGateway);
  } finally {
    apiGateway.destroy();
  }
}

/**
 * After an apply: deploys the APIs again that serve removed routes. Idempotent, so that the next deployment makes up for one that was
 * interrupted.
 *
 * @returns the removed routes
 * @throws TerraformFailedError, RoutesNotRemovedError
 */
export async function removeRoutes(
  terraform: TerraformOptions,
  onProgress: (line: string) => void,
): Promise<readonly string[]> {
  const stale = await findStaleDeployments(terraform.cwd);
  const routes = stale.flatMap((deployment) => deployment.routes);
  if (stale.length === 0) return routes;
  onProgress(`deploying again without ${routes.join(", ")}`);
  await withPlanFile(async (file) => {
    const replace = stale.map(({ address }) => address);
    // What was applied a moment ago needs no refresh.
    await terraformPlan(file, { ...terraform, onProgress, replace, refresh: false });
    const plan = planSchema.parse(JSON.parse(await terraformShowPlan(file, terraform)));
    const others = plan.resource_changes.filter(
      ({ type, change }) => !change.actions.every(isRead) && !REDEPLOYED.has(type),
    );
    if (others.length > 0)
      throw new RoutesNotRemovedError(
        `${routes.join(", ")}: still served, although removed. The environment has changed meanwhile (${others[0]?.address ?? ""}). Deploy again.`,
      );
    await terraformApplyPlan(file, { ...terraform, onProgress });
  });
  return routes;
}

/** `; no longer served: POST /pipelines/invoice`; empty: no route was removed. */
export function describeRemoved(routes: readonly string[]): string {
  return routes.length === 0 ? "" : `; no longer served: ${routes.join(", ")}`;
}
