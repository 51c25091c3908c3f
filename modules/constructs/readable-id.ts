/** Readable ids of resources in Terraform, instead of cdktf's hashes. */
import { TerraformElement, type TerraformStack } from "cdktf";
import { Node, type IConstruct } from "constructs";

/** The id of a construct's main resource, which has its scope's name in a plan: `check/Resource` is `check`. */
export const RESOURCE = "Resource";

/**
 * A Terraform name without cdktf's hashes: `aws_iam_role.check_role`. Terraform requires names to be unique within a type only.
 */
export function readableId(stack: TerraformStack, element: TerraformElement | Node): string {
  const node = element instanceof Node ? element : element.node;
  return node.scopes
    .slice(node.scopes.indexOf(stack) + 1)
    .map((scope) => scope.node.id)
    .filter((id) => id !== RESOURCE)
    .join("_")
    .replaceAll("-", "_");
}

/** cdktf silently merges two elements of one type and name. */
export function rejectDuplicateIds(stack: TerraformStack): void {
  stack.node.addValidation({
    validate: () => {
      const seen = new Map<string, string>();
      return elementsOf(stack).flatMap((element) => {
        const type: unknown = Reflect.get(element, "terraformResourceType") ?? element.constructor.name;
        const address = `${String(type)}.${element.friendlyUniqueId}`;
        const other = seen.get(address);
        seen.set(address, element.node.path);
        return other === undefined ? [] : [`${address} is both ${other} and ${element.node.path}`];
      });
    },
  });
}

function elementsOf(stack: TerraformStack): TerraformElement[] {
  return stack.node
    .findAll()
    .filter((construct: IConstruct): construct is TerraformElement => TerraformElement.isTerraformElement(construct))
    .filter((element) => element.cdktfStack === stack);
}
