/** Comments of resources in the generated HCL: why a resource is as it is, for those who read the module. */
import type { IConstruct } from "constructs";

const METADATA = "almanac:comment";

export function commentsOf({ node }: IConstruct): readonly string[] {
  return node.metadata.filter(({ type }) => type === METADATA).map(({ data }) => String(data));
}
