/** The console of the running system, in Chromium: each view shows what is there, each action has its effect. */
import type { Browser, Page } from "playwright-core";
import { requestConsoleAddress, consoleKeyFile } from "../../scripts/shared/console-key";
import { ensureChromium, launchChromium } from "../support/chromium";
import { home } from "./support/system";
import { UNTIL_HUNG_MS } from "../support/time-limit";

let browser: Browser;
let page: Page;
let own: string;
const faults: string[] = [];

beforeAll(async () => {
  await ensureChromium();
  browser = await launchChromium();
  page = await browser.newPage({ viewport: { width: 1280, height: 900 }, reducedMotion: "reduce" });
  page.setDefaultTimeout(UNTIL_HUNG_MS / 2);
  page.on("pageerror", ({ message }) => faults.push(message));
  const address = await requestConsoleAddress(consoleKeyFile(home));
  if (address === undefined) throw new Error("npm start has not started a console");
  await page.goto(address);
  own = new URL(address).origin;
});
afterAll(() => browser.close());

async function visit(path: string): Promise<void> {
  await page.goto(`${own}${path}`);
  await page.locator(".loading").first().waitFor({ state: "detached" });
}

/** Clicks an action's button, enters its values, confirms, and waits for its end. */
async function act(title: string, values: Readonly<Record<string, string>> = {}, expected = "done"): Promise<string> {
  await page.getByRole("button", { name: title }).first().click();
  const dialog = page.getByRole("dialog", { name: title });
  for (const [label, value] of Object.entries(values)) await dialog.getByLabel(label).fill(value);
  await dialog.getByRole("button", { name: title }).click();
  await dialog.locator(".badge").waitFor();
  const said = await dialog.innerText();
  expect(said).toContain(expected);
  await dialog.getByRole("button", { name: "Close" }).click();
  await dialog.waitFor({ state: "detached" });
  return said;
}

describe("the console", () => {
  it.each([
    ["/", "Runs next"],
    ["/heartbeats", "nightly-backup"],
    ["/timers?q=sample-report", "sample-report"],
    ["/schedules", "heartbeats-check"],
    ["/exports", "heartbeats"],
    ["/pipelines", "jobOrder"],
    ["/workflows?status=ABORTED", "sample-cancelled"],
    ["/logs?name=heartbeats-check", "run finished"],
    ["/search?q=sample-report", "timer"],
  ])("shows at %s: %s", async (path, text) => {
    await visit(path);
    await page.locator("main").getByText(text).filter({ visible: true }).first().waitFor();
    expect(await page.getByRole("alert").count()).toBe(0);
  });

  it("sets a timer, fires it, and shows the fire", async () => {
    await visit("/timers");
    await act("Set a timer", { Id: "console-tea", "Data, JSON": '{"tea": 1}' });
    await visit("/timers/periodic/console-tea");
    await act("Fire now");
    await page.getByText("succeeded").first().waitFor();
    await act("Change", { "Data, JSON": '{"tea": 2}' });
    await page.getByLabel("The timer as JSON").getByText('"tea": 2').waitFor();
    await act("Pause");
    await page.getByRole("button", { name: "Resume" }).waitFor();
    await act("Delete");
  });

  it("follows a message from the ingress to its row, and shows it as Slack does", async () => {
    await visit("/pipelines/jobOrder");
    const message = { jobOrderId: "console-17", revision: 1, customer: { name: "Ada" }, total: 12, status: "open" };
    await act("Send a message", { "The message, JSON": JSON.stringify(message, undefined, 2) }, "1 accepted");
    await page.getByRole("link", { name: "console-17" }).click();
    await page.getByLabel("row").or(page.getByText("version 1")).first().waitFor();
    expect(await page.getByLabel("The message").innerText()).toContain('"jobOrderId": "console-17"');
    expect(await page.locator(".slack").innerText()).toContain("console-17");
  });

  it("starts a task, draws its machine, and cancels it", async () => {
    // A refund waits for its approval, so that the cancellation is never too late.
    await visit("/workflows?workflow=refund");
    await act("Start a task", { "Its id": "console-refund", "Input, JSON": '{"amount": 700, "customer": "Ada"}' });
    await visit("/workflows/refund/console-refund");
    await page.getByRole("button", { name: "Approve: current" }).waitFor();
    await act("Cancel");
    await page.getByText("aborted").first().waitFor();
  });

  it("fires a tick of Almanac's own", async () => {
    await visit("/schedules?q=heartbeats-check");
    await act("Run now");
  });

  it("has had no error", () => {
    expect(faults).toEqual([]);
  });
});
