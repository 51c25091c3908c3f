/**
 * A feature is an ordinary construct tree in TypeScript and a real Terraform module in the plan: a folder with main.tf.json,
 * its zips, variables and outputs, called by the environment's stack as `module.<feature>`.
 */
import { copyFileSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { AwsProvider } from "@cdktf/provider-aws/lib/provider";
import { DataAwsCallerIdentity } from "@cdktf/provider-aws/lib/data-aws-caller-identity";
import { DataAwsPartition } from "@cdktf/provider-aws/lib/data-aws-partition";
import { DataAwsRegion } from "@cdktf/provider-aws/lib/data-aws-region";
import {
  TerraformHclModule,
  TerraformOutput,
  TerraformStack,
  TerraformVariable,
  type ISynthesisSession,
  type TerraformElement,
} from "cdktf";
import type { Construct, Node } from "constructs";
import { WIDGETS_OUTPUT, widgetsOf, type Graph, type Metric } from "./dashboard";
import { readableId, rejectDuplicateIds } from "./readable-id";
import { REQUIRED_PROVIDERS, REQUIRED_TERRAFORM } from "./versions";

/** What every feature of an environment is given. */
export interface Deployment {
  /** Begins every physical name: `almanac`. */
  readonly app: string;
  /** `staging`. */
  readonly environment: string;
  /** Where alarms are sent: an SNS topic's ARN. */
  readonly alarmTopicArn: string;
  /** The environment's KMS key: that topic is encrypted with it. */
  readonly encryptionKeyArn: string;
  /** The S3 bucket by way of which functions get their code. */
  readonly codeBucket: string;
  /** True: what holds data can't be destroyed or deleted. */
  readonly protectData: boolean;
  /** Another AWS than Amazon's: its URL. There the addresses of APIs are its own, too. @default Amazon's */
  readonly awsEndpoint?: string;
}

/** A value that the environment's stack hands to the module as a Terraform variable. */
export interface Input {
  readonly description: string;
  /** A Terraform type constraint: `string`, `number`, `list(string)`. */
  readonly type: string;
  readonly value: unknown;
}

/**
 * A feature: the base class of each modules/<feature>/index.ts.
 *
 * It is a stack of its own inside the environment's stack, so that its resources refer to each other and to its variables only;
 * in place of writing a stack, its synthesizer writes a module.
 */
export abstract class Feature extends TerraformStack {
  readonly deployment: Deployment;
  private readonly call: TerraformHclModule;
  private readonly zips = new Map<string, string>();
  private account?: DataAwsCallerIdentity;
  private partition?: DataAwsPartition;
  private region?: DataAwsRegion;

  protected constructor(
    environment: TerraformStack,
    readonly feature: string,
    deployment: Deployment,
  ) {
    super(environment, feature);
    this.call = new TerraformHclModule(environment, `${feature}-module`, {
      source: `./modules/${feature}`,
      skipAssetCreationFromLocalModules: true,
    });
    this.call.overrideLogicalId(feature);
    // The whole module's outputs as one object: what runs where, for scripts and people.
    new TerraformOutput(environment, `${feature}-outputs`, { value: `\${module.${feature}}` }).overrideLogicalId(
      feature,
    );

    new AwsProvider(this, "provider"); // cdktf wants one in each stack; the module gets its caller's
    rejectDuplicateIds(this);
    this.synthesizer = {
      synthesize: (session) => {
        this.writeModule(session, environment);
      },
    };

    const {
      app,
      environment: name,
      alarmTopicArn,
      codeBucket,
      encryptionKeyArn,
      protectData,
      awsEndpoint,
    } = deployment;
    this.deployment = {
      app: this.input("app", { type: "string", description: "Begins every resource name", value: app }).stringValue,
      environment: this.input("environment", {
        type: "string",
        description: "Comes second in every resource name: <app>-<environment>-<feature>",
        value: name,
      }).stringValue,
      alarmTopicArn: this.input("alarm_topic_arn", {
        type: "string",
        description: "SNS topic that alarms are sent to",
        value: alarmTopicArn,
      }).stringValue,
      codeBucket: this.input("code_bucket", {
        type: "string",
        description: "S3 bucket that the functions' zips are put into, for Lambda to fetch them",
        value: codeBucket,
      }).stringValue,
      encryptionKeyArn,
      protectData,
      ...(awsEndpoint !== undefined && { awsEndpoint }),
    };
  }

  /** The feature that a construct is part of. */
  static override of(construct: Construct): Feature {
    const stack = TerraformStack.of(construct);
    if (!(stack instanceof Feature)) throw new Error(`${construct.node.path} is not part of a feature`);
    return stack;
  }

  /** The one place for physical names: `almanac-staging-heartbeats`, or `almanac-staging-heartbeats-check`. */
  physicalName(nameSuffix?: string): string {
    const { app, environment } = this.deployment;
    return [app, environment, this.feature, ...(nameSuffix === undefined ? [] : [nameSuffix])].join("-");
  }

  /** Tells this environment's metrics and logs from those of another Almanac in the account: `almanac-staging`. */
  get qualifiedEnvironment(): string {
    return `${this.deployment.app}-${this.deployment.environment}`;
  }

  /** The account's id: in names that must be unique in the world. */
  get accountId(): string {
    this.account ??= new DataAwsCallerIdentity(this, "account");
    return this.account.accountId;
  }

  /** A metric that the feature's functions count (functions/shared/metrics.ts). */
  metric(name: string): Metric {
    return {
      namespace: "Almanac",
      metric: name,
      dimensions: { service: this.feature, environment: this.qualifiedEnvironment },
    };
  }

  /** An ARN in this account and region, known before its resource is: `arn("sqs", "<queue name>")`. */
  arn(service: string, resource: string): string {
    this.partition ??= new DataAwsPartition(this, "partition");
    return `arn:${this.partition.partition}:${service}:${this.regionName}:${this.accountId}:${resource}`;
  }

  private get regionName(): string {
    this.region ??= new DataAwsRegion(this, "region");
    return this.region.name;
  }

  /** Puts a zip into the module's folder. Returns its path and its hash, as Terraform's expressions for them. */
  addZip(name: string, file: string): { readonly filename: string; readonly hash: string } {
    this.zips.set(name, file);
    const filename = `\${path.module}/assets/${name}.zip`;
    return { filename, hash: `\${filebase64sha256("${filename}")}` };
  }

  /** The module as Terraform JSON: the same in each environment, and with neither backend nor provider, which are its caller's. */
  toModule(): Record<string, unknown> {
    const { provider, terraform, ...blocks } = withoutMetadata(this.toTerraform());
    return {
      "//": `Almanac ${this.feature}. Written from modules/${this.feature}/index.ts: change it there.`,
      terraform: { required_version: REQUIRED_TERRAFORM, required_providers: REQUIRED_PROVIDERS },
      ...blocks,
    };
  }

  /** A variable of the module, set by the environment's stack. */
  protected input(name: string, { description, type, value }: Input): TerraformVariable {
    this.call.set(name, value);
    const variable = new TerraformVariable(this, `variable-${name}`, { description, type, nullable: false });
    variable.overrideLogicalId(name);
    return variable;
  }

  /** The environment's KMS key, as a variable of the module. */
  protected inputEncryptionKey(): { readonly arn: string } {
    const variable = this.input("encryption_key_arn", {
      type: "string",
      description: "KMS key that the topic is encrypted with, and whatever else has to be under a key of one's own",
      value: this.deployment.encryptionKeyArn,
    });
    return { arn: variable.stringValue };
  }

  /** An output of the module. */
  protected output(name: string, description: string, value: unknown): void {
    new TerraformOutput(this, `output-${name}`, { description, value }).overrideLogicalId(name);
  }

  /** The feature's row on the environment's dashboard. Each feature has one. */
  protected showOnDashboard(heading: string, graphs: readonly Graph[]): void {
    this.output(
      WIDGETS_OUTPUT,
      "Its row on a CloudWatch dashboard: a list of widgets",
      widgetsOf(heading, graphs, this.regionName),
    );
  }

  protected override allocateLogicalId(element: TerraformElement | Node): string {
    return readableId(this, element);
  }

  private writeModule(session: ISynthesisSession, environment: TerraformStack): void {
    if (!session.skipValidation) this.runAllValidations();
    const { workingDirectory } = session.manifest.forStack(environment);
    const directory = join(session.outdir, workingDirectory, "modules", this.feature);
    rmSync(directory, { recursive: true, force: true }); // last time's zips
    mkdirSync(join(directory, "assets"), { recursive: true });
    for (const [name, file] of this.zips) copyFileSync(file, join(directory, "assets", `${name}.zip`));
    writeFileSync(join(directory, "main.tf.json"), `${JSON.stringify(this.toModule(), undefined, 2)}\n`);
  }
}

/** Drops cdktf's notes to itself: where in which stack's construct tree each block comes from. */
function withoutMetadata(synthesized: unknown): Record<string, unknown> {
  return JSON.parse(JSON.stringify(synthesized, (key, value: unknown) => (key === "//" ? undefined : value))) as Record<
    string,
    unknown
  >;
}
