/** The resource `terraform_data`. */
import { TerraformResource, type TerraformResourceLifecycle } from "cdktf";
import type { Construct } from "constructs";

export interface TerraformDataProps {
  readonly input: Readonly<Record<string, string>>;
  readonly lifecycle: TerraformResourceLifecycle;
  /** A change of one of them makes a new value. @default nothing does */
  readonly triggersReplace?: readonly string[];
}

/**
 * A value that Terraform keeps in its state. cdktf's own class runs `terraform version` in every synthesis, a fifth of its time; every module
 * requires a newer Terraform than that checks for.
 */
export class TerraformData extends TerraformResource {
  private readonly attributes: Readonly<Record<string, unknown>>;

  constructor(scope: Construct, id: string, { input, lifecycle, triggersReplace }: TerraformDataProps) {
    super(scope, id, { terraformResourceType: "terraform_data", lifecycle });
    this.attributes = { input, ...(triggersReplace && { triggers_replace: triggersReplace }) };
  }

  /** An expression for a field of the value. */
  outputOf(field: string): string {
    return `\${${this.fqn}.output.${field}}`;
  }

  protected override synthesizeAttributes(): Record<string, unknown> {
    return this.attributes;
  }
}
