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

/** The attributes that name a resource in its account and region. */
const NAMES = ["name", "function_name", "alarm_name", "bucket", "key"] as const;

/**
 * A name in the configuration can make one that Almanac uses itself: a queue of pipeline `orderDlq` has the name of the dead-letter queue
 * of pipeline `order`. AWS refuses the second, or Terraform changes one resource from two places.
 *
 * @param resources of a module, by type and address, in Terraform's JSON syntax
 */
export function duplicateNames(resources: Readonly<Record<string, Readonly<Record<string, object>>>>): string[] {
  const seen = new Map<string, string>();
  return Object.entries(resources).flatMap(([type, named]) =>
    // A policy of a role, a method of an API: unique within another resource.
    Object.entries(UNIQUE_TYPES.has(type) ? named : {}).flatMap(([id, attributes]) => {
      const name = NAMES.map((attribute): unknown => Reflect.get(attributes, attribute))
        .filter((value) => typeof value === "string")
        .join("/");
      const other = seen.get(`${type} ${name}`);
      seen.set(`${type} ${name}`, id);
      return other === undefined
        ? []
        : [`${type}.${id} and ${type}.${other} would both be named ${name}. Choose another name in the configuration.`];
    }),
  );
}

const UNIQUE_TYPES = new Set([
  ...["aws_cloudwatch_event_rule", "aws_cloudwatch_log_group", "aws_cloudwatch_metric_alarm", "aws_dynamodb_table"],
  ...["aws_iam_role", "aws_lambda_function", "aws_s3_bucket", "aws_s3_object", "aws_sfn_state_machine"],
  ...["aws_sns_topic", "aws_sqs_queue"],
]);

function elementsOf(stack: TerraformStack): TerraformElement[] {
  return stack.node
    .findAll()
    .filter((construct: IConstruct): construct is TerraformElement => TerraformElement.isTerraformElement(construct))
    .filter((element) => element.cdktfStack === stack);
}
