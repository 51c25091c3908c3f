/**
 * A feature is a construct tree in TypeScript and a Terraform module in the plan: a folder with HCL files and zips, which the
 * environment's stack calls as `module.<feature>`.
 */
import "./cdktf-startup";
import { copyFileSync, mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { reasonsOf } from "./explain";
import { AwsProvider } from "@cdktf/provider-aws/lib/provider";
import { DataAwsCallerIdentity } from "@cdktf/provider-aws/lib/data-aws-caller-identity";
import { DataAwsPartition } from "@cdktf/provider-aws/lib/data-aws-partition";
import { DataAwsRegion } from "@cdktf/provider-aws/lib/data-aws-region";
import {
  App,
  DefaultTokenResolver,
  StringConcat,
  TerraformDataSource,
  TerraformElement,
  TerraformHclModule,
  TerraformOutput,
  TerraformResource,
  TerraformStack,
  TerraformVariable,
  Tokenization,
  type ISynthesisSession,
} from "cdktf";
import type { Construct, Node } from "constructs";
import type * as z from "zod";
import type { AlarmSpec } from "./alarm-spec";
import { WIDGETS_OUTPUT, widgetsOf, type Graph, type Line, type Metric } from "./dashboard";
import { readableId, rejectDuplicateIds } from "./readable-id";
import { blockTypesOf, type BlockTypes } from "../hcl/block-types";
import { canonicalResources, moduleFiles } from "../hcl/module-files";
import { defaultOf, requireValid, validationsOf } from "./module-input";
import { appSchema, environmentNameSchema } from "./names";
import { resolveTokens } from "./tokens";
import { REQUIRED_PROVIDERS, REQUIRED_TERRAFORM } from "./versions";
import { attributionOf } from "./bundling/attribution";
import { finishBundling } from "./bundling/beside-synthesis";
import { packagesIn } from "./bundling/cache";

/** The module as JSON, for scripts: Terraform reads `.tf` and `.tf.json` only. */
const MODULE_JSON = "module.json";

/** What all features of an environment share. */
export interface Deployment {
  /** First part of every physical name: `almanac`. */
  readonly app: string;
  /** `staging`. */
  readonly environment: string;
  /** The SNS topic that alarms notify. */
  readonly alarmTopicArn: string;
  /** The environment's KMS key, which encrypts that topic. */
  readonly encryptionKeyArn: string;
  /** The S3 bucket for functions' zips. */
  readonly codeBucket: string;
  /** True: tables and buckets cannot be destroyed or deleted. */
  readonly protectData: boolean;
  /** An emulator's URL, which also serves the APIs. @default AWS */
  readonly awsEndpoint?: string;
}

/** A Terraform variable of the module, set by the environment's stack. */
export interface Input {
  readonly description: string;
  /** A Terraform type constraint: `string`, `number`, `list(string)`. */
  readonly type: string;
  readonly value: unknown;
  /** Of the value: gives the variable its default and its validations. @default required, any value of the type */
  readonly schema?: z.ZodType;
}

/**
 * The base class of each modules/<feature>/index.ts.
 *
 * It is a stack inside the environment's stack, so that its resources can refer to each other and to its variables only. Its
 * synthesizer writes a module instead of a stack.
 */
export abstract class Feature extends TerraformStack {
  readonly deployment: Deployment;
  private readonly call: TerraformHclModule;
  /** The alarm of the feature's dead-letter queue for asynchronous invocations. */
  abstract readonly deadLetterAlarm: AlarmSpec;
  private readonly zips = new Map<string, string>();
  private readonly errorLines: Line[] = [];
  /** Where the module was written. */
  private directory?: string;
  private synthesized?: Record<string, unknown>;
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
    // The module's outputs as one object, for scripts and people.
    new TerraformOutput(environment, `${feature}-outputs`, { value: `\${module.${feature}}` }).overrideLogicalId(
      feature,
    );

    new AwsProvider(this, "provider"); // cdktf requires one per stack; the module inherits its caller's
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
      app: this.input("app", {
        type: "string",
        description: "First part of every resource name",
        value: app,
        schema: appSchema,
      }).stringValue,
      environment: this.input("environment", {
        type: "string",
        description: "Second part of every resource name: <app>-<environment>-<feature>",
        value: name,
        schema: environmentNameSchema,
      }).stringValue,
      alarmTopicArn: this.input("alarm_topic_arn", {
        type: "string",
        description: "SNS topic that alarms notify",
        value: alarmTopicArn,
      }).stringValue,
      codeBucket: this.input("code_bucket", {
        type: "string",
        description: "S3 bucket for the functions' zips",
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

  /** `almanac-staging-heartbeats`, or `almanac-staging-heartbeats-check`. */
  physicalName(nameSuffix?: string): string {
    const { app, environment } = this.deployment;
    return [app, environment, this.feature, ...(nameSuffix === undefined ? [] : [nameSuffix])].join("-");
  }

  /** A construct's physical name, from its path below the feature: `almanac-staging-timers-dispatch-errors`. */
  nameOf(construct: Construct): string {
    return this.physicalName(this.pathOf(construct).join("-"));
  }

  private pathOf({ node: { scopes } }: Construct): string[] {
    return scopes.slice(scopes.indexOf(this) + 1).map((scope) => scope.node.id);
  }

  /** Distinguishes metrics of several Almanacs in one account: `almanac-staging`. */
  get qualifiedEnvironment(): string {
    return `${this.deployment.app}-${this.deployment.environment}`;
  }

  get accountId(): string {
    this.account ??= new DataAwsCallerIdentity(this, "account");
    return this.account.accountId;
  }

  /** A custom metric of the feature's functions (functions/shared/telemetry/metrics.ts). */
  metric(name: string): Metric {
    return {
      namespace: "Almanac",
      metric: name,
      dimensions: { service: this.feature, environment: this.qualifiedEnvironment },
    };
  }

  /** `aws`; in China and for the US government another. */
  get partitionName(): string {
    this.partition ??= new DataAwsPartition(this, "partition");
    return this.partition.partition;
  }

  /** An ARN in this account and region, without a reference to the resource: `arn("sqs", "<queue name>")`. */
  arn(service: string, resource: string): string {
    return `arn:${this.partitionName}:${service}:${this.regionName}:${this.accountId}:${resource}`;
  }

  /** All EventBridge rules of the feature, as a pattern for permissions. */
  get ruleArns(): string {
    return this.arn("events", `rule/${this.physicalName("*")}`);
  }

  get regionName(): string {
    this.region ??= new DataAwsRegion(this, "region");
    return this.region.name;
  }

  /**
   * Adds a zip to the module's folder. Returns Terraform expressions for its path and hash.
   *
   * @param preferred its name, unless another zip has it: a function of the user's can be called like one of ours
   */
  addZip(
    preferred: string,
    owner: Construct,
    file: string,
  ): { readonly filename: string; readonly hash: string; readonly md5: string } {
    const path = this.pathOf(owner).join("-");
    const isFree = (name: string) => (this.zips.get(name) ?? file) === file;
    const name = [preferred, path, `${path}-code`].find(isFree) ?? preferred;
    this.zips.set(name, file);
    const filename = `\${path.module}/${ASSETS}/${name}.zip`;
    return { filename, hash: `\${filebase64sha256("${filename}")}`, md5: `\${filemd5("${filename}")}` };
  }

  /** The module as Terraform JSON, the same in each environment. Backend and provider are the caller's. */
  toModule(): Record<string, unknown> {
    this.synthesized ??= this.synthesizeModule();
    return this.synthesized;
  }

  private synthesizeModule(): Record<string, unknown> {
    const { provider, terraform, resource, ...blocks } = this.blocks();
    return {
      terraform: { required_version: REQUIRED_TERRAFORM, required_providers: REQUIRED_PROVIDERS },
      ...blocks,
      resource: canonicalResources(resource),
    };
  }

  /** As `toTerraform()`, which resolves each element, and then all of them once more; and without its metadata: the construct path of each. */
  private blocks(): Record<string, unknown> {
    const resolver = new DefaultTokenResolver(new StringConcat());
    const resolve = (value: unknown): unknown =>
      Tokenization.resolve(value, { scope: this, resolver, preparing: false });
    const blocks: Record<string, unknown> = {};
    for (const element of this.node.findAll().filter((each) => TerraformElement.isTerraformElement(each)))
      mergeInto(blocks, resolveTokens(element.toTerraform(), resolve));
    return withoutMetadata(blocks);
  }

  /** The module as Terraform reads it, by file name. */
  toFiles(): Readonly<Record<string, string>> {
    const comments = new Map<string, readonly string[]>();
    const blockTypes = this.node.findAll().flatMap((construct): (readonly [string, BlockTypes])[] => {
      const isData = TerraformDataSource.isTerraformDataSource(construct);
      if (!isData && !TerraformResource.isTerraformResource(construct)) return [];
      const address = `${isData ? "data." : ""}${construct.terraformResourceType}.${construct.friendlyUniqueId}`;
      comments.set(address, reasonsOf(construct));
      return [[address, blockTypesOf(construct)]];
    });
    const heading = `Almanac ${this.feature}. Generated from modules/${this.feature}/index.ts: change it there.`;
    return moduleFiles(this.toModule(), { heading, blockTypes: new Map(blockTypes), comments });
  }

  /** Adds a variable to the module, set by the environment's stack. */
  input(name: string, { description, type, value, schema }: Input): TerraformVariable {
    this.call.set(name, value);
    if (schema !== undefined) requireValid(name, schema, value);
    const variable = new TerraformVariable(this, `variable-${name}`, {
      description,
      type,
      nullable: false,
      ...(schema && { validation: validationsOf(name, schema) }),
    });
    const initial = schema && defaultOf(schema);
    if (initial !== undefined) variable.addOverride("default", initial); // cdktf would rename its fields
    variable.overrideLogicalId(name);
    return variable;
  }

  /** The environment's KMS key, as a variable of the module. */
  protected inputEncryptionKey(): { readonly arn: string } {
    const variable = this.input("encryption_key_arn", {
      type: "string",
      description: "KMS key that encrypts the alarm topic and other data of the feature",
      value: this.deployment.encryptionKeyArn,
    });
    return { arn: variable.stringValue };
  }

  /** An output of the module, for the environment's other modules: `${module.heartbeats.state_table_name}`. */
  outputOf(name: string): string {
    return this.call.getString(name);
  }

  /** Adds an output to the module. */
  output(name: string, description: string, value: unknown): void {
    new TerraformOutput(this, `output-${name}`, { description, value }).overrideLogicalId(name);
  }

  /** Adds a function's line to the graph of function errors, the last one of the feature's dashboard row. */
  addToErrorsGraph(construct: Construct, metric: Metric): void {
    this.errorLines.push({ ...metric, label: this.pathOf(construct).join("-"), statistic: "Sum" });
  }

  /** Makes the feature's row on the environment's dashboard. */
  protected createDashboardRow(heading: string, graphs: readonly Graph[]): void {
    const errors: Graph[] = this.errorLines.length === 0 ? [] : [{ title: "Function errors", lines: this.errorLines }];
    this.output(
      WIDGETS_OUTPUT,
      "Row of the environment's CloudWatch dashboard: a list of widgets",
      widgetsOf(heading, [...graphs, ...errors], this.regionName),
    );
  }

  protected override allocateLogicalId(element: TerraformElement | Node): string {
    return readableId(this, element);
  }

  override prepareStack(): void {
    // Nothing: see Environment.
  }

  private writeModule(session: ISynthesisSession, environment: TerraformStack): void {
    const { workingDirectory } = session.manifest.forStack(environment);
    const directory = join(session.outdir, workingDirectory, "modules", this.feature);
    const texts = { ...this.toFiles(), [MODULE_JSON]: `${JSON.stringify(this.toModule(), undefined, 2)}\n` };
    mkdirSync(directory, { recursive: true });
    keepOnly(directory, new Set([...Object.keys(texts), ATTRIBUTION, ASSETS]));
    for (const [name, text] of Object.entries(texts)) writeFileSync(join(directory, name), text);
    this.directory = directory;

    // The last one of the app: until then the handlers are being bundled.
    const features = App.of(this)
      .node.findAll()
      .filter((each) => each instanceof Feature);
    if (features.at(-1) !== this) return;
    finishBundling();
    for (const feature of features) feature.writeZips();
  }

  private writeZips(): void {
    if (this.directory === undefined) return;
    const assets = join(this.directory, ASSETS);
    mkdirSync(assets, { recursive: true });
    keepOnly(assets, new Set([...this.zips.keys()].map((name) => `${name}.zip`)));
    for (const [name, file] of this.zips) copyFileSync(file, join(assets, `${name}.zip`));
    writeFileSync(join(this.directory, ATTRIBUTION), attributionOf([...this.zips.values()].flatMap(packagesIn)));
  }
}

/** The folder of the module's zips. */
const ASSETS = "assets";

/** The file's usual name. */
const ATTRIBUTION = "NOTICE";

/** Removes what the previous synthesis has left in a folder: Terraform would read it. */
function keepOnly(folder: string, names: ReadonlySet<string>): void {
  for (const name of readdirSync(folder))
    if (!names.has(name)) rmSync(join(folder, name), { recursive: true, force: true });
}

/** Elements have no block in common, but its type and, of some, its label. */
function mergeInto(blocks: Record<string, unknown>, element: unknown): void {
  for (const [name, value] of Object.entries(Object(element) as object)) {
    const present = blocks[name];
    if (isRecord(present)) mergeInto(present, value);
    else blocks[name] = value;
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function withoutMetadata(synthesized: unknown): Record<string, unknown> {
  return JSON.parse(JSON.stringify(synthesized, (key, value: unknown) => (key === "//" ? undefined : value))) as Record<
    string,
    unknown
  >;
}
