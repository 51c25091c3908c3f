/** `almanac open [page]`: opens a page of an environment in the browser. */
import { Argument } from "commander";
import { STATUS_PAGE_KEY } from "../../functions/heartbeats/contract";
import { NotRunningError, readRunning } from "../emulator/run-record";
import { dashboardUrl } from "../shared/aws/console-url";
import { findDeployed, type Deployed } from "../environments/deployed";
import { openInBrowser } from "../shared/terminal/browser";
import {
  environmentCommand,
  EXIT,
  exitCodeOf,
  type EnvironmentOptions,
  type JsonOption,
} from "../shared/terminal/command-line";
import { consoleKeyFile, requestConsoleAddress } from "../shared/console-key";
import { NotInEnvironmentError, outputsOf } from "../shared/feature-outputs";
import { homeAt } from "../shared/home";
import { presignedUrl } from "../shared/aws/presigned-url";
import { resourcesOfState } from "../terraform/state";

const PAGES = ["status", "console", "dashboard", "slack"] as const;
type Page = (typeof PAGES)[number];

/** A page in a private bucket is opened by a signed address. */
const SIGNED_FOR_SECONDS = 900;

export const command = () =>
  environmentCommand({
    description:
      "Prints the address of a page of an environment, and opens it when run at a terminal: the status page, the CloudWatch dashboard, or, " +
      "for local, the console, and the messages that Slack would have received. Without a CDN, the address of a status page in AWS is signed for 15 minutes.",
    examples: ["npx almanac open", "npx almanac open dashboard --env staging"],
  })
    .addArgument(new Argument("[page]", "which page").choices(PAGES).default("status"))
    .option("--no-open", "only print the address")
    .action(exitCodeOf(run));

async function run(page: Page, options: EnvironmentOptions & JsonOption & { readonly open: boolean }): Promise<number> {
  const deployed = await findDeployed(options);
  const url = await ADDRESSES[page](deployed, options.home);
  console.log(options.json ? JSON.stringify({ environment: deployed.name, page, url }) : url);
  if (options.open && !options.json && process.stdout.isTTY) openInBrowser(url);
  return EXIT.ok;
}

const ADDRESSES: Readonly<Record<Page, (deployed: Deployed, home: string) => Promise<string>>> = {
  status: async (deployed, home) => {
    const { status_page_url: url, status_page_bucket_name: bucket } = outputsOf("heartbeats", deployed);
    if (url?.startsWith("http") === true) return url;
    const pages = deployed.aws.endpoint === undefined ? undefined : (await readRunning(homeAt(home)))?.pages;
    if (pages?.statusPageBucket === bucket) return `${pages.url}/`;
    return presignedUrl({ bucket, key: STATUS_PAGE_KEY, expiresInSeconds: SIGNED_FOR_SECONDS }, deployed.aws);
  },
  console: async ({ name, aws }, home) => {
    const address =
      aws.endpoint === undefined ? undefined : await requestConsoleAddress(consoleKeyFile(homeAt(home).folder));
    if (address !== undefined) return address;
    const start = `npx almanac console --env ${name}`;
    if (aws.endpoint === undefined)
      throw new NotInEnvironmentError(`Only the console that npm start runs has an address here. Start one: ${start}`);
    throw new NotRunningError(
      `The console that npm start runs does not answer (${homeAt(home).folder}). Run npm start again, or ${start}`,
    );
  },
  dashboard: ({ name, aws, state }) => {
    const dashboard = resourcesOfState(state).find(({ type }) => type === "aws_cloudwatch_dashboard");
    if (dashboard === undefined) throw new NotInEnvironmentError(`${name} has no dashboard: it has no features.`);
    if (aws.endpoint !== undefined)
      throw new NotInEnvironmentError(`${name} is on an emulator, which has no CloudWatch console.`);
    return Promise.resolve(dashboardUrl(aws.region, String(dashboard.values["dashboard_name"])));
  },
  slack: async ({ name, aws }, home) => {
    const inbox = aws.endpoint === undefined ? undefined : (await readRunning(homeAt(home)))?.pages?.url;
    if (inbox === undefined) throw new NotInEnvironmentError(`${name} has no Slack stand-in: only local has one.`);
    return `${inbox}/inbox`;
  },
};
