/** `npm run deploy -- <environment>`: plans, shows what that would change, asks, and applies that and nothing else. */
import { bootstrap } from "../environments/bootstrap";
import { dashboardUrl } from "../environments/console-url";
import { openStack, type DeployedOptions, type EnvironmentStack } from "../environments/deployed";
import { describeFeatures } from "../emulator/describe-run";
import { DEFAULT_HOME } from "../emulator/home";
import { featuresSchema } from "../emulator/run-record";
import { runSteps } from "../shared/steps";
import { toMarkdown } from "../review/markdown";
import { planInto, withPlanFile } from "../review/planned";
import { countChanges, forbiddenLoss, isEmpty, reviewPlan, type Report } from "../review/report";
import { ask, NotAgreedError } from "../shared/confirm";
import { describeError, EXIT, npmCommand } from "../shared/command-line";
import { readTags } from "../terraform/synthesize";
import { terraformApplyPlan, terraformInit, terraformOutputs, terraformVersion } from "../terraform/terraform";
import { describeApplied } from "../terraform/events";

interface Options extends DeployedOptions {
  readonly yes: boolean;
  readonly allow: readonly string[];
}

const command = npmCommand(
  "npm run deploy --",
  "Deploys an environment: makes its state bucket where there is none, plans, shows what would change, asks, and applies just that. " +
    "A name that main.ts does not have is your own small copy of staging.",
)
  .argument("<environment>", "as main.ts names it, or your own: staging, alice")
  .option("--yes", "do not ask; lost data is refused all the same", false)
  .option("--allow <address...>", "resources that may lose their data", [])
  .option("--app <file>", "the app that has the environment", "main.ts")
  .option("--home <folder>", "for local: the folder that was given to npm start", DEFAULT_HOME)
  .addHelpText("after", "\nExit code 4: data would be lost that --allow does not name; nothing was done.")
  .parse();

async function main(environment: string, options: Options): Promise<number> {
  let stack: EnvironmentStack | undefined;
  let report: Report | undefined;
  const opened = () => {
    if (stack === undefined) throw new Error("the stack is not synthesized yet");
    return stack;
  };
  return withPlanFile(async (file) => {
    await runSteps([
      { title: "Tools", run: async () => `Node ${process.versions.node}, Terraform ${await terraformVersion()}` },
      {
        title: "Synthesize the stack",
        run: async () => {
          stack = await openStack(environment, options);
          return stack.personal ? `${environment} is not in ${options.app}: it is your own` : undefined;
        },
      },
      {
        title: "State bucket",
        run: async () => {
          const { bucket, created } = await bootstrap(opened());
          return `${bucket}${created ? "" : ", there already"}`;
        },
      },
      {
        title: "Terraform init",
        run: async () => {
          await terraformInit(opened().terraform);
          return undefined;
        },
      },
      {
        title: "Terraform plan",
        run: async (onProgress) => {
          report = reviewPlan(await planInto(file, opened(), onProgress), new Set(options.allow));
          return isEmpty(report) ? "nothing to do" : undefined;
        },
      },
    ]);
    if (report === undefined) throw new Error("there is no plan");
    if (!isEmpty(report)) {
      console.log(`\n${toMarkdown(report, { environment, fold: false })}`);
      if (forbiddenLoss(report).length > 0) {
        console.error("Nothing was done: data would be lost. Where that is meant, name it: --allow <address>");
        return EXIT.dataLoss;
      }
      if (!options.yes) await ask(`Deploy this to ${environment}? Type yes: `, "yes");
    }
    const planned = countChanges(report);
    // Outputs alone may have changed: an empty plan is applied as well.
    await runSteps([
      {
        title: "Terraform apply",
        run: async (onProgress) =>
          describeApplied(await terraformApplyPlan(file, { ...opened().terraform, planned, onProgress })),
      },
    ]);
    await describeDeployed(opened());
    return EXIT.ok;
  });
}

async function describeDeployed({ name, directory, terraform, aws, personal }: EnvironmentStack): Promise<void> {
  console.log(`\n${name} is deployed`);
  console.log(describeFeatures(featuresSchema.parse(await terraformOutputs(terraform))));
  const { App = "" } = await readTags(directory);
  if (aws.endpoint === undefined) console.log(`  dashboard  ${dashboardUrl(aws.region, App, name)}`);
  if (personal) console.log(`  It is yours to take down again: npm run destroy -- ${name}`);
}

main(command.args[0] ?? "", command.opts<Options>()).then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    console.error(`\nnpm run deploy: ${describeError(error)}`);
    process.exitCode = error instanceof NotAgreedError ? EXIT.badUsage : EXIT.failure;
  },
);
