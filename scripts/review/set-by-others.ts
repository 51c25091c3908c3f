/** Attributes of a resource that other resources set, so that the first refresh after a deployment reads them back as changed. */
import { fieldsOf, type Fields } from "../shared/fields";
import { allResources, type Plan } from "./plan";

/** The resource that sets an attribute, and its argument that names the one that has it. */
const SETTERS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  aws_s3_bucket: {
    lifecycle_rule: "aws_s3_bucket_lifecycle_configuration",
    server_side_encryption_configuration: "aws_s3_bucket_server_side_encryption_configuration",
    versioning: "aws_s3_bucket_versioning",
  },
};

/** By what a plan leaves in place. */
export class SetByOthers {
  readonly #resources: readonly { readonly type: string; readonly values: Fields }[];

  constructor({ planned_values: planned }: Plan) {
    this.#resources = allResources(planned.root_module);
  }

  /** @param values of the resource, as the refresh has read them */
  explain(type: string, attribute: string, values: Fields): boolean {
    if (type === "aws_iam_role" && attribute === "inline_policy")
      return this.#areOf(values, attribute, "name", "aws_iam_role_policy", "name");
    if (type === "aws_iam_role" && attribute === "managed_policy_arns")
      return this.#areOf(values, attribute, undefined, "aws_iam_role_policy_attachment", "policy_arn");
    const setter = SETTERS[type]?.[attribute];
    return this.#resources.some((each) => each.type === setter && each.values["bucket"] === values["bucket"]);
  }

  /** Whether all policies of a role are resources of their own. */
  #areOf(role: Fields, attribute: string, name: string | undefined, type: string, argument: string): boolean {
    const ours = this.#resources
      .filter((each) => each.type === type && each.values["role"] === role["name"])
      .map(({ values }) => values[argument]);
    return [role[attribute] ?? []]
      .flat()
      .every((policy) => ours.includes(name === undefined ? policy : fieldsOf(policy)[name]));
  }
}
