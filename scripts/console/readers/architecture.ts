/** The drawing of what is deployed. */
import { graphOf } from "../architecture/graph";
import { drawingsOf } from "../architecture/layout";
import type { ArchitectureView } from "../contract";
import type { Source } from "./source";

export async function readArchitecture({ environment }: Source): Promise<ArchitectureView> {
  const { resources, features, app, name } = await environment();
  return { drawings: drawingsOf(graphOf(resources, `${app}-${name}-`), Object.keys(features)) };
}
