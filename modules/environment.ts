/** An environment in main.ts: its configuration's schema, and the stack of its features. */
import "./constructs/cdktf-startup";
import { join } from "node:path";
import { DataAwsCallerIdentity } from "@cdktf/provider-aws/lib/data-aws-caller-identity";
import { AwsProvider, type AwsProviderConfig } from "@cdktf/provider-aws/lib/provider";
import { App, S3Backend, TerraformStack, type S3BackendConfig, type TerraformElement } from "cdktf";
import type { Node } from "constructs";
import * as z from "zod";
import { bucketNameSchema } from "../functions/shared/aws/bucket-name";
import { plainSecrets } from "../functions/shared/plain-secret";
import { AlarmTopic } from "./constructs/resources/alarm-topic";
import { PrivateBucket } from "./constructs/resources/bucket";
import { startBundling } from "./constructs/bundling/beside-synthesis";
import { ConfigurationError, parseConfig } from "./constructs/config";
import { Dashboard } from "./constructs/dashboard";
import { terraformKeys } from "./constructs/emulator-keys";
import { EncryptionKey } from "./constructs/resources/encryption-key";
import { Faultless } from "./constructs/faultless";
import type { Deployment, Feature } from "./constructs/feature";
import { appSchema, environmentNameSchema } from "./constructs/names";
import { readableId, rejectDuplicateIds } from "./constructs/readable-id";
import { forgetOtherBackend } from "./constructs/recorded-backend";
import { REQUIRED_PROVIDERS, REQUIRED_TERRAFORM } from "./constructs/versions";
import { PUBLIC_REGION } from "./constructs/regions";
import { compareWithQuotas } from "./synthesized/quotas";
import { stackSchema } from "./synthesized/resources";
import { Exports } from "./exports";
import { exportsSchema } from "./exports/schema";
import { Heartbeats, heartbeatsSchema, STATE_TABLE_OUTPUT } from "./heartbeats";
import { Schedules, scheduleMonitors, schedulesSchema } from "./schedules";
import { Timers, timersSchema } from "./timers";
import { Workflows, workflowsSchema } from "./workflows";
import { Pipelines, pipelinesSchema } from "./pipelines";

/** One mailbox, one subscription. Domains are not case-sensitive, and mail servers treat the part before them alike. */
const alarmEmailsSchema = z
  .array(z.email())
  .default([])
  .superRefine((emails, context) => {
    const lower = emails.map((email) => email.toLowerCase());
    emails.forEach((email, index) => {
      if (lower.indexOf(email.toLowerCase()) !== index)
        context.addIssue({ code: "custom", path: [index], message: "is in the list twice", input: email });
    });
  });

const environmentFields = z.strictObject({
  /** First part of every physical name: `almanac-staging-heartbeats`. Distinguishes several Almanacs in one account. @default "almanac" */
  app: appSchema,
  /** The AWS region. */
  region: z.string().regex(PUBLIC_REGION, 'is not an AWS region such as "eu-central-1"'),
  /** Deployments, reviews and Terraform refuse to work in any other account. @default the account of the credentials */
  account: z
    .string()
    .regex(/^\d{12}$/, "is not an account id of twelve digits")
    .optional(),
  /** True: tables and buckets cannot be destroyed or deleted, and tables can be restored to any second of the last 35 days. @default false */
  protectData: z.boolean().default(false),
  /** The bucket of Terraform's state, created by the first deployment. Unique worldwide. @default "<app>-<environment>-terraform-state" */
  stateBucket: bucketNameSchema.optional(),
  /** Addresses that alarms are sent to. Each confirms one mail of AWS. @default [] */
  alarmEmails: alarmEmailsSchema,
  /** The URL of an AWS emulator, for `local`. @default AWS */
  awsEndpoint: z.url({ protocol: /^https?$/, error: "is not an http(s) URL" }).optional(),
  /** Checks of URLs and cron jobs. @default not deployed */
  heartbeats: heartbeatsSchema.optional(),
  /** Calls at a given time. `{}` is enough. @default not deployed */
  timers: timersSchema.optional(),
  /** Exports of DynamoDB tables to S3. @default not deployed */
  exports: exportsSchema.optional(),
  /** State machines that run tasks. @default not deployed */
  workflows: workflowsSchema.optional(),
  /** Pipelines by name, 20 characters at most with a hyphen counted for each capital. @default not deployed */
  pipelines: pipelinesSchema.optional(),
  /** Functions of your own on a schedule, by name: 24 characters at most with a hyphen counted for each capital. @default not deployed */
  schedules: schedulesSchema.optional(),
});

/** Where a secret may be instead, by the field that had it. */
const SECRET_ADVICE =
  "is a secret, which would be in Terraform's state: store it as an SSM parameter (SecureString), and give the parameter's name";

export const environmentSchema = environmentFields
  .superRefine((environment, context) => {
    const { heartbeats: { targets, ...heartbeats } = { targets: [] }, ...others } = environment;
    // The request of a target has its own rules, with their own advice.
    const responses = targets.map(({ url: _url, headers: _headers, body: _body, ...response }) => response);
    for (const path of plainSecrets({ ...others, heartbeats: { ...heartbeats, targets: responses } }))
      context.addIssue({ code: "custom", path: [...path], message: SECRET_ADVICE, params: { secret: true } });
  })
  .superRefine(({ heartbeats, schedules = {} }, context) => {
    if (heartbeats === undefined) return;
    const taken = new Set([...heartbeats.targets, ...heartbeats.cronMonitors].map(({ name }) => name));
    for (const { schedule, name } of scheduleMonitors(schedules)) {
      const message = `has the monitor "${name}", which is also a target or a cron monitor`;
      if (taken.has(name))
        context.addIssue({ code: "custom", path: ["schedules", schedule], message, input: schedule });
    }
  })
  .superRefine(({ region, heartbeats }, context) => {
    // CloudFront is a service of the partition aws: the government's has none, and China's needs a licence and a domain.
    if (heartbeats?.statusPage.cdn !== true || !/^(cn|us-gov)-/.test(region)) return;
    context.addIssue({
      code: "custom",
      path: ["heartbeats", "statusPage", "cdn"],
      message: `is not possible in ${region}: it has no CloudFront`,
      input: true,
    });
  });

/** An environment in main.ts. */
export type EnvironmentInput = z.input<typeof environmentSchema>;
type EnvironmentConfig = z.output<typeof environmentSchema>;

/** Warnings are of each synthesis. */
const withinQuotas = new Faultless({ name: "quotas", madeOf: ["modules/synthesized", "modules/hcl"] });

/** A deployment of Almanac: a stack with its own state and a module for each feature in its configuration. */
export class Environment extends TerraformStack {
  private emulatedBackend: S3Backend | undefined;

  constructor(
    app: App,
    name: string,
    input: EnvironmentInput,
    private readonly personal = false,
  ) {
    parseConfig(environmentNameSchema, name, "environment");
    const config = parseConfig(environmentSchema, input, name);
    if (name === "local") requireEmulator(config.awsEndpoint);
    if (app.node.tryFindChild(name)) throw new Error(`environment: "${name}" is defined twice in main.ts`);
    super(app, name);

    this.createProvider(name, config);
    this.addOverride("terraform.required_version", REQUIRED_TERRAFORM);
    this.addOverride("terraform.required_providers", REQUIRED_PROVIDERS);
    this.createState(name, config);
    const { protectData } = config;
    const encryptionKey = new EncryptionKey(this, "key", { name: `${config.app}-${name}`, protectData });
    const alarmTopic = this.createAlarmTopic(name, config, encryptionKey);
    const deployment: Deployment = {
      app: config.app,
      environment: name,
      alarmTopicArn: alarmTopic.arn,
      codeBucket: this.createCodeBucket(name, config),
      encryptionKeyArn: encryptionKey.arn,
      protectData,
      ...(config.awsEndpoint !== undefined && { awsEndpoint: config.awsEndpoint }),
    };
    const monitors = scheduleMonitors(config.schedules ?? {}).map(({ schedule: _, ...monitor }) => monitor);
    const heartbeats = config.heartbeats && new Heartbeats(this, deployment, config.heartbeats, monitors);
    const features = [
      ...(heartbeats ? [heartbeats] : []),
      ...(config.timers ? [new Timers(this, deployment, config.timers)] : []),
      ...(config.exports ? [new Exports(this, deployment, config.exports)] : []),
      ...(config.workflows ? [new Workflows(this, deployment, config.workflows)] : []),
      ...(config.pipelines ? [new Pipelines(this, deployment, config.pipelines)] : []),
      ...(config.schedules
        ? [new Schedules(this, deployment, config.schedules, heartbeats?.outputOf(STATE_TABLE_OUTPUT))]
        : []),
    ];
    this.createDashboard(name, config, features);
    rejectDuplicateIds(this);
    this.node.addValidation({ validate: () => [...this.quotaFaults(features, config.region)] });
  }

  /** What AWS would refuse in the middle of a deployment. A quota that AWS raises on request is a warning: the account may have more. */
  private quotaFaults(features: readonly Feature[], region: string): readonly string[] {
    const modules = features.map((each) => [each.feature, each.toModule()] as const);
    const root: unknown = this.toTerraform();
    const content = JSON.stringify([region, root, modules]);
    if (withinQuotas.has(content)) return [];
    const { faults, warnings } = compareWithQuotas(
      stackSchema.parse(root),
      Object.fromEntries(modules.map(([name, module]) => [name, stackSchema.parse(module)])),
      region,
    );
    if (faults.length + warnings.length === 0) withinQuotas.add(content);
    for (const warning of warnings)
      console.warn(
        `Warning: ${this.node.id}: ${warning} by default. Have the account's quota raised, if it has not been.`,
      );
    return faults;
  }

  private createProvider(name: string, { app, region, account, awsEndpoint }: EnvironmentConfig): void {
    new AwsProvider(this, "aws", {
      region,
      ...(account !== undefined && { allowedAccountIds: [account] }),
      defaultTags: [
        {
          tags: { App: app, Environment: name, ManagedBy: "almanac", ...(this.personal && { Personal: "true" }) },
        },
      ],
      ...(awsEndpoint !== undefined && emulatedProvider(awsEndpoint)),
    });
  }

  private createState(name: string, { app, region, stateBucket, awsEndpoint }: EnvironmentConfig): void {
    const backend = new S3Backend(this, {
      bucket: stateBucket ?? `${app}-${name}-terraform-state`,
      key: `${app}/${name}.tfstate`,
      region,
      encrypt: true,
      ...(awsEndpoint !== undefined && emulatedBackend(awsEndpoint)),
    });
    // Terraform's native state lock, which cdktf's types do not have.
    this.addOverride("terraform.backend.s3.use_lockfile", true);
    if (awsEndpoint !== undefined) this.emulatedBackend = backend;
  }

  /** cdktf calls it when it begins to write the stacks. Its own resolves the whole stack once, for references to other stacks, which none has. */
  override prepareStack(): void {
    startBundling();
    const { outdir } = App.of(this);
    const written: unknown = this.emulatedBackend?.toTerraform();
    if (written !== undefined) forgetOtherBackend(join(outdir, "stacks", this.node.id), written);
  }

  private createAlarmTopic(
    name: string,
    { app, alarmEmails }: EnvironmentConfig,
    encryptionKey: EncryptionKey,
  ): AlarmTopic {
    return new AlarmTopic(this, "alarms", { name: `${app}-${name}-alarms`, emails: alarmEmails, encryptionKey });
  }

  /** Never protected: Terraform can upload its content again. docs/decisions/0002 has the reason for the bucket. */
  private createCodeBucket(name: string, { app }: EnvironmentConfig): string {
    const { accountId } = new DataAwsCallerIdentity(this, "account");
    return new PrivateBucket(this, "code", { name: `${app}-${name}-code-${accountId}`, protectData: false }).name;
  }

  private createDashboard(name: string, { app }: EnvironmentConfig, features: readonly Feature[]): void {
    if (features.length === 0) return;
    new Dashboard(this, "dashboard", { name: `${app}-${name}`, features: features.map(({ feature }) => feature) });
  }

  /** cdktf assumes that every stack moves resources, and runs `terraform version` to check for it. Almanac checks the version itself. */
  override hasResourceMove(): boolean {
    return false;
  }

  protected override allocateLogicalId(element: TerraformElement | Node): string {
    return readableId(this, element);
  }
}

/**
 * A personal environment, named by ALMANAC_ENVIRONMENT: a copy of another environment without alarm mails, data protection and public
 * status page. Does nothing when the variable is unset or names an environment of main.ts.
 */
export function personalEnvironment(app: App, like: EnvironmentInput): void {
  const name = process.env["ALMANAC_ENVIRONMENT"];
  if (name === undefined || name === "" || app.node.tryFindChild(name)) return;
  const { stateBucket, alarmEmails: _, heartbeats, ...rest } = like;
  new Environment(
    app,
    name,
    {
      ...rest,
      // A bucket of its own, which is deleted with it.
      ...(stateBucket !== undefined && { stateBucket: `${stateBucket}-${name}` }),
      protectData: false,
      ...(heartbeats && { heartbeats: { ...heartbeats, statusPage: {} } }),
    },
    true,
  );
}

/**
 * While commands synthesize for an emulator, `local` has to be there: `npm start` applies it without a review, and would do so in AWS.
 *
 * @throws ConfigurationError
 */
function requireEmulator(awsEndpoint: string | undefined): void {
  const emulator = process.env["ALMANAC_AWS_ENDPOINT"];
  if (emulator === undefined || emulator === "" || originOf(awsEndpoint) === originOf(emulator)) return;
  const fault = awsEndpoint === undefined ? "is missing" : `"${awsEndpoint}" is not the emulator, ${emulator}`;
  throw new ConfigurationError([`local.awsEndpoint: ${fault}: set it to process.env["ALMANAC_AWS_ENDPOINT"]`]);
}

const originOf = (url: string | undefined): string | undefined => (url === undefined ? undefined : new URL(url).origin);

function emulatedProvider(endpoint: string): AwsProviderConfig {
  const services = [
    "apigateway",
    "cloudwatch",
    "cloudwatchlogs",
    "dynamodb",
    "events",
    "glue",
    "iam",
    "kms",
    "lambda",
    "s3",
    "sfn",
    "sns",
    "sqs",
    "sts",
  ];
  return {
    ...terraformKeys(endpoint),
    skipMetadataApiCheck: "true",
    skipCredentialsValidation: true,
    s3UsePathStyle: true,
    endpoints: [Object.fromEntries(services.map((service) => [service, endpoint]))],
  };
}

function emulatedBackend(endpoint: string): Omit<S3BackendConfig, "bucket" | "key"> {
  return {
    ...terraformKeys(endpoint),
    skipMetadataApiCheck: true,
    skipCredentialsValidation: true,
    skipRegionValidation: true,
    skipRequestingAccountId: true,
    skipS3Checksum: true,
    usePathStyle: true,
    endpoints: { s3: endpoint },
  };
}
