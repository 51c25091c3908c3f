/** Comments of resources in a module's HCL. */
import type { IConstruct } from "constructs";

const KEY = "almanac:reason";

/**
 * Says why a resource is as it is, where Terraform's text does not show it: a comment above the resource in the module's HCL, for readers who
 * do not have the TypeScript.
 *
 * @param reason one line
 */
export function explain<Resource extends IConstruct>(resource: Resource, reason: string): Resource {
  resource.node.addMetadata(KEY, reason);
  return resource;
}

/** The comments on a resource, in their order. */
export function reasonsOf({ node }: IConstruct): readonly string[] {
  return node.metadata.filter(({ type }) => type === KEY).map(({ data }) => String(data));
}
