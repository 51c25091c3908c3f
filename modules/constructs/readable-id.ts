import { TerraformElement, type TerraformStack } from "cdktf";
import { Node, type IConstruct } from "constructs";

/** A construct of this id lends its place to its scope: `check/Resource` is `check` in a plan. */
export const RESOURCE = "Resource";

/**
 * Names as people write them: `aws_iam_role.check_role`, without cdktf's hashes. Terraform needs them unique within a type only.
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

/** Two elements of one type and one name would be merged into one by cdktf, without a word. */
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
