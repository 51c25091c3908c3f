/** `almanac deploy <environment>`: plans, shows the changes, asks for confirmation, and applies exactly that plan. */
import { describeFeatures } from "../emulator/describe-run";
import { bootstrap } from "../environments/bootstrap";
import { dashboardUrl } from "../shared/aws/console-url";
import { checkName, LOCAL, rememberPersonal } from "../environments/names";
import { rememberState } from "../terraform/deployed-state";
import { readStateBackend } from "../terraform/state-bucket";
import { homeAt } from "../shared/home";
import { describeRemoved, removeRoutes } from "../terraform/removed-routes";
import { openStack, withStackFolder, type EnvironmentStack, type OpenOptions } from "../environments/stack";
import { digestOf } from "../review/digest";
import { toMarkdown } from "../review/markdown";
import { planInto } from "../review/planned";
import { countChanges, isEmpty, isForbidden, reviewPlan, type Report } from "../review/report";
import {
  DocumentedCommand,
  EXIT,
  EXIT_CODES,
  exitCodeOf,
  withApp,
  type AppOptions,
} from "../shared/terminal/command-line";
import { confirm } from "../shared/terminal/confirm";
import { featuresSchema } from "../shared/feature-outputs";
import { runSteps } from "../shared/terminal/steps";
import { describeApplied } from "../terraform/events";
import { initWithKeptPlugins } from "../terraform/kept-plugins";
import { readTags } from "../terraform/synthesize";
import { ensureTerraform, terraformApplyPlan, terraformOutputs, terraformVersion } from "../terraform/terraform";
import { planFileIn } from "../terraform/work-folder";

interface Options extends AppOptions {
  readonly yes: boolean;
  readonly allow: readonly string[];
  readonly personal: boolean;
  readonly approved?: string;
}

/** The plan is not the one that was approved. */
class NotApprovedError extends Error {
  override readonly name = "NotApprovedError";
}

export const command = () =>
  withApp(
    new DocumentedCommand({
      description:
        "Deploys an environment: creates its state bucket if there is none, plans, shows the changes, asks for confirmation, and applies " +
        "exactly that plan. A name that main.ts does not declare becomes a personal environment: a small copy of staging.",
      examples: ["npx almanac deploy staging", "npx almanac deploy alice --yes"],
      exitCodes: { [EXIT.dataLoss]: `${EXIT_CODES[EXIT.dataLoss]} that --allow does not name; nothing was changed` },
    }),
  )
    .argument("<environment>", "declared in main.ts, or personal: staging, alice")
    .option("--yes", "skip the confirmation; data loss is still refused", false)
    .option("--allow <address...>", "resources that may lose their data, be exposed or change their identity", [])
    .option("--approved <digest>", "refuse any plan but this one: what review --approval wrote")
    .option("--personal", "a personal environment, though its name resembles another", false)
    .action(exitCodeOf(run));

async function run(environment: string, options: Options): Promise<number> {
  return withStackFolder((own) => deploy(environment, { ...options, ...own }));
}

async function deploy(environment: string, options: Options & OpenOptions): Promise<number> {
  if (!options.personal) checkName(environment, options.app);
  await ensureTerraform(options);
  let stack: EnvironmentStack | undefined;
  let report: Report | undefined;
  let weaknesses: readonly string[] = [];
  const opened = () => {
    if (stack === undefined) throw new Error("the stack is not synthesized yet");
    return stack;
  };
  const file = planFileIn(options.folder);
  await runSteps([
    { title: "Tools", run: async () => `Node ${process.versions.node}, Terraform ${await terraformVersion()}` },
    {
      title: "Synthesize the stack",
      run: async () => {
        stack = await openStack(environment, { ...options, anyName: options.personal });
        return stack.personal ? `${environment} is not in ${options.app}: a personal environment` : undefined;
      },
    },
    {
      title: "State bucket",
      run: async () => {
        const state = await bootstrap(opened());
        const { bucket, created } = state;
        ({ weaknesses } = state);
        return `${bucket}${created ? "" : ", there already"}`;
      },
    },
    {
      title: "Terraform init",
      run: async () => {
        await initWithKeptPlugins(opened().terraform);
        return undefined;
      },
    },
    {
      title: "Terraform plan",
      run: async (onProgress) => {
        const plan = await planInto(file, opened().terraform, onProgress);
        if (options.approved !== undefined && digestOf(plan) !== options.approved)
          throw new NotApprovedError(
            "The plan differs from the approved one: the environment, or what it depends on, has changed since. Nothing was changed. Review it again.",
          );
        report = reviewPlan(plan, new Set(options.allow));
        return isEmpty(report) ? "no changes" : undefined;
      },
    },
  ]);
  for (const weakness of weaknesses) console.error(`Warning: ${weakness}`);
  if (report === undefined) throw new Error("there is no plan");
  if (!isEmpty(report) || isForbidden(report)) {
    console.log(`\n${toMarkdown(report, { environment, fold: false })}`);
    if (isForbidden(report)) {
      console.error("Refused, see ❌ above; nothing was changed. To allow it: --allow <address>");
      return EXIT.dataLoss;
    }
    if (!options.yes) await confirm(`Deploy this to ${environment}? Type yes: `, "yes", options.signal);
  }
  if (environment === LOCAL)
    await rememberState(homeAt(options.home).deployedState, await readStateBackend(opened().directory));
  const planned = countChanges(report);
  // An empty plan is applied too: outputs may have changed.
  await runSteps([
    {
      title: "Terraform apply",
      run: async (onProgress) => {
        const applied = await terraformApplyPlan(file, { ...opened().terraform, planned, onProgress });
        return `${describeApplied(applied)}${describeRemoved(await removeRoutes(opened().terraform, onProgress))}`;
      },
    },
  ]);
  if (opened().personal) rememberPersonal([environment]);
  await describeDeployed(opened());
  return EXIT.ok;
}

async function describeDeployed({ name, directory, terraform, aws, personal }: EnvironmentStack): Promise<void> {
  console.log(`\n${name} is deployed`);
  console.log(describeFeatures(featuresSchema.parse(await terraformOutputs(terraform))));
  const { App = "" } = await readTags(directory);
  if (aws.endpoint === undefined) console.log(`  dashboard  ${dashboardUrl(aws.region, `${App}-${name}`)}`);
  if (personal) console.log(`  To destroy it: npx almanac destroy ${name}`);
}
