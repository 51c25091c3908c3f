/** `node scripts/launcher/dev.mjs screenshot`: takes pictures of the status page and of the console for README.md. */
import { mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { GetObjectCommand } from "@aws-sdk/client-s3";
import { STATUS_PAGE_KEY } from "../../functions/heartbeats/contract";
import { ensureChromium, launchChromium } from "../../test/support/chromium";
import { findDeployed } from "../environments/deployed";
import {
  EXIT,
  npmCommand,
  UsageError,
  withEnvironment,
  type EnvironmentOptions,
} from "../shared/terminal/command-line";
import { consoleKeyFile, requestConsoleAddress } from "../shared/console-key";
import { describeError } from "../shared/terminal/errors";
import { outputsOf } from "../shared/feature-outputs";
import { createS3Client } from "../shared/aws/s3-client";

const STATUS_PAGE_FILE = "docs/images/status-page.png";
const CONSOLE_FILE = "docs/images/console.png";
/** Something runs each minute. */
const LONGEST_WAIT_MS = 90_000;
const PAGE_URL = "http://status-page.test/";
/** GitHub shows README.md at most this wide; at twice the resolution, text stays sharp. */
const VIEWPORT = { width: 1040, height: 756 } as const;

const command = withEnvironment(
  npmCommand(
    "node scripts/launcher/dev.mjs screenshot",
    `Writes ${STATUS_PAGE_FILE} and ${CONSOLE_FILE}: the pages of what npm start runs.`,
  ),
).parse();

async function screenshot(options: EnvironmentOptions): Promise<void> {
  const html = await readStatusPage(options);
  await ensureChromium();
  const browser = await launchChromium();
  try {
    const page = await browser.newPage({ viewport: VIEWPORT, deviceScaleFactor: 2, colorScheme: "light" });
    await page.route(PAGE_URL, (route) => route.fulfill({ contentType: "text/html; charset=utf-8", body: html }));
    await page.goto(PAGE_URL);
    mkdirSync(dirname(STATUS_PAGE_FILE), { recursive: true });
    await page.screenshot({ path: STATUS_PAGE_FILE });
    const address = await requestConsoleAddress(consoleKeyFile(options.home));
    if (address === undefined) throw new UsageError("No console runs: start it with npm start.");
    await page.goto(address);
    // What has just run is lit.
    await page.locator(".drawings .lit").first().waitFor({ timeout: LONGEST_WAIT_MS });
    await page.screenshot({ path: CONSOLE_FILE });
  } finally {
    await browser.close();
  }
}

async function readStatusPage(options: EnvironmentOptions): Promise<string> {
  const deployed = await findDeployed(options);
  const { status_page_bucket_name: Bucket } = outputsOf("heartbeats", deployed);
  const s3 = createS3Client(deployed.aws);
  const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key: STATUS_PAGE_KEY }));
  if (Body === undefined) throw new Error(`s3://${Bucket}/${STATUS_PAGE_KEY} has no content`);
  return Body.transformToString();
}

screenshot(command.opts<EnvironmentOptions>()).then(
  () => {
    console.log(`${STATUS_PAGE_FILE}\n${CONSOLE_FILE}`);
  },
  (error: unknown) => {
    console.error(describeError(error));
    process.exitCode = EXIT.failure;
  },
);
