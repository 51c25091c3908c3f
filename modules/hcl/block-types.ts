/** Which arguments of a resource are nested blocks. In JSON both look alike; in HCL a block has no equals sign. */
import type { IConstruct } from "constructs";

/** Nested blocks by name, at any depth. */
export interface BlockTypes {
  readonly [name: string]: BlockTypes;
}

/** The nested blocks that a resource of cdktf's provider uses, as the provider's schema that its class was generated from has them. */
export function blockTypesOf(resource: IConstruct): BlockTypes {
  const synthesize: unknown = Reflect.get(resource, "synthesizeHclAttributes");
  return typeof synthesize === "function" ? blocksIn(Reflect.apply(synthesize, resource, [])) : {};
}

/** Attributes by name, each `{ value, isBlock }`; of a list, those of all its items. */
function blocksIn(attributes: unknown): BlockTypes {
  const blocks: Record<string, BlockTypes> = {};
  for (const item of [attributes].flat() as readonly unknown[]) {
    if (typeof item !== "object" || item === null) continue;
    for (const [name, attribute] of Object.entries(item) as readonly (readonly [string, unknown])[])
      if (isBlock(attribute)) blocks[name] = { ...blocks[name], ...blocksIn(attribute.value) };
  }
  return blocks;
}

function isBlock(attribute: unknown): attribute is { readonly value: unknown } {
  return (
    typeof attribute === "object" &&
    attribute !== null &&
    "value" in attribute &&
    "isBlock" in attribute &&
    attribute.isBlock === true
  );
}
