import type { Browser, BrowserContext, BrowserContextOptions, Page } from "playwright-core";
import { bundlePage, type PageFile } from "../../scripts/console/server/bundle-page";
import { RequestError, startConsole, type Act, type RunningConsole } from "../../scripts/console/server/server";
import type { Values } from "../../scripts/console/actions/actions";
import { machineView } from "../../scripts/console/architecture/machine";
import { violations } from "../support/accessibility";
import { launchChromium } from "../support/chromium";
import { NESTED_MACHINE } from "../support/console-resources";
import { historyOf } from "../support/machine-history";
import { CONSOLE_NOW, fakeViews, type FakeViews, type FakeViewsOptions } from "../support/console-views";

const PHONE = { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, hasTouch: true } as const;
const DESKTOP = { viewport: { width: 1280, height: 900 } } as const;
/** Each width and each scheme once: colours do not depend on the width. */
const LOOKS = [
  ["phone, light", { ...PHONE, colorScheme: "light" }],
  ["desktop, dark", { ...DESKTOP, colorScheme: "dark" }],
] as const;

const VIEWS = [
  "/",
  "/heartbeats",
  "/heartbeats/website",
  "/timers",
  "/timers/periodic/timer-0001",
  "/schedules",
  "/schedules/invoices",
  "/exports",
  "/exports/orders",
  "/pipelines",
  "/pipelines/jobOrder",
  "/pipelines/jobOrder?tab=dead",
  "/pipelines/jobOrder/17",
  "/workflows",
  "/workflows/task/order-17",
  "/logs",
  "/search?q=tea",
] as const;

let page: Readonly<Record<string, PageFile>>;
let browser: Browser;
const running: RunningConsole[] = [];
const contexts: BrowserContext[] = [];
beforeAll(async () => {
  [page, browser] = await Promise.all([bundlePage(), launchChromium()]);
});
afterEach(async () => {
  // Before their consoles, to which open pages would try to connect again.
  for (const each of contexts.splice(0)) await each.close();
  for (const each of running.splice(0)) await each.close();
});
afterAll(() => browser.close());

interface Options extends FakeViewsOptions {
  readonly views?: Partial<FakeViews>;
  /** @default a console that only reads */
  readonly act?: Act;
  readonly look?: BrowserContextOptions;
  /** @default the page of an address for one visit */
  readonly withToken?: boolean;
}

interface Opened {
  readonly page: Page;
  readonly console: RunningConsole;
  /** Names of the views that were asked for. */
  readonly asked: string[];
  /** Errors of the page and of its console. */
  readonly faults: string[];
  readonly visit: (path: string) => Promise<void>;
}

async function open({ views = {}, act, look = {}, withToken = true, ...options }: Options = {}): Promise<Opened> {
  const asked: string[] = [];
  const all = Object.entries({ ...fakeViews(options), ...views });
  const counted = all.map(([name, view]) => {
    const read = view as (query: object) => Promise<unknown>;
    const counting = (query: object) => {
      asked.push(name);
      return read(query);
    };
    return [name, counting] as const;
  });
  const console_ = await startConsole({
    page,
    views: Object.fromEntries(counted),
    port: 0,
    ...(act !== undefined && { act }),
  });
  running.push(console_);
  const context = await browser.newContext({ ...DESKTOP, reducedMotion: "reduce", ...look });
  contexts.push(context);
  context.setDefaultTimeout(120_000);
  const opened = await context.newPage();
  const faults: string[] = [];
  opened.on("pageerror", ({ message }) => faults.push(message));
  opened.on("console", (message) => {
    if (message.type() === "error") faults.push(message.text());
  });
  // Its timers go on.
  await opened.clock.setFixedTime(CONSOLE_NOW);
  await opened.addInitScript(COUNT_REQUESTS);
  const own = `http://127.0.0.1:${console_.port}`;
  await opened.goto(withToken ? console_.issueAddress() : own);
  await settled(opened);
  return {
    page: opened,
    console: console_,
    asked,
    faults,
    visit: async (path) => {
      await opened.goto(`${own}${path}`);
      await settled(opened);
    },
  };
}

const COUNT_REQUESTS = `
  const { fetch } = window;
  const answers = [];
  window.answered = () => Promise.allSettled(answers);
  window.fetch = (...request) => {
    const answer = fetch(...request);
    answers.push(answer);
    return answer;
  };`;

/** Nothing is being loaded any more. */
async function settled(opened: Page): Promise<void> {
  await opened.getByRole("heading", { level: 1 }).waitFor();
  await opened.locator(".loading").first().waitFor({ state: "detached" });
}

describe.each(LOOKS)("on a %s", (_, look) => {
  it("no view scrolls sideways, has accessibility violations, or an error", async () => {
    const { page: opened, visit, faults } = await open({ look });
    const found: unknown[] = [];
    for (const path of VIEWS) {
      await visit(path);
      const width = await opened.evaluate("document.documentElement.scrollWidth");
      if (width !== look.viewport.width) found.push(`${path} is ${String(width)} px wide`);
      found.push(...(await violations(opened)).map((each) => `${path}: ${each}`));
    }
    expect(found).toEqual([]);
    expect(faults).toEqual([]);
  });
});

describe("a visit", () => {
  it("begins with an address that is good once, and goes on in each tab of the browser", async () => {
    const { page: opened, console: console_ } = await open();
    expect(opened.url()).toBe(`http://127.0.0.1:${console_.port}/`);
    const tab = await opened.context().newPage();
    await tab.goto(`http://127.0.0.1:${console_.port}/timers`);
    await tab.getByRole("heading", { name: "Timers" }).waitFor();
    await tab.getByText("timer-0001").waitFor();
  });

  it("without a session sees no data, and how to get one", async () => {
    const { page: opened } = await open({ withToken: false });
    await opened.getByText("This browser has no session here").waitFor();
    expect(await opened.getByText("npx almanac open console").isVisible()).toBe(true);
    expect(await opened.locator("main").innerText()).not.toContain("Failed");
    expect(await violations(opened)).toEqual([]);
  });
});

describe("a link", () => {
  it("leads to a page, in every view, and so does the navigation", async () => {
    const { page: opened, visit } = await open();
    const links = new Set<string>();
    for (const path of VIEWS) {
      await visit(path);
      const hrefs = await opened.evaluate<readonly string[]>(
        `[...document.querySelectorAll("a[href^='/']")].map((link) => link.getAttribute("href"))`,
      );
      for (const href of hrefs) links.add(/^\/timers\/./.test(href) ? "/timers/periodic/timer-0001" : href);
    }
    expect([...links]).toContain("/heartbeats/shop");
    expect([...links]).toContain("/exports/orders");
    for (const href of links) {
      await visit(href);
      expect([href, await opened.getByText("The console has no page at this address.").count()]).toEqual([href, 0]);
    }
  });
});

describe("text from outside", () => {
  const hostile = `"><img src=x onerror="document.title='owned'"><script>document.title='owned'</script>\u202Eevil`;

  it("is shown as text in every view, and never runs; a long one scrolls in its place", async () => {
    const { page: opened, visit, faults } = await open({ hostile: hostile + "x".repeat(10_000), look: PHONE });
    for (const path of VIEWS) {
      await visit(path);
      const [width, height = 0] = await opened.evaluate<readonly number[]>(
        "(({ scrollWidth, scrollHeight }) => [scrollWidth, scrollHeight])(document.documentElement)",
      );
      // Sixty log lines are the most.
      expect([path, width, height < 25_000]).toEqual([path, PHONE.viewport.width, true]);
      expect([path, await opened.locator("main").innerText()]).toEqual([path, expect.stringContaining("<img src=x")]);
      expect(await opened.locator("main img, main script").count()).toBe(0);
      expect(await opened.title()).not.toBe("owned");
    }
    expect(faults).toEqual([]);
  });
});

describe("the navigation of a phone", () => {
  it("shows where one is, also where it is wider than the screen", async () => {
    const { page: opened, visit } = await open({ look: PHONE });
    for (const path of ["/search?q=tea", "/"]) {
      await visit(path);
      const current = opened.getByRole("navigation", { name: "Views" }).locator("[aria-current]");
      await opened.waitForFunction(
        `(({ left, right }) => left >= 0 && right <= innerWidth)(document.querySelector("nav [aria-current]").getBoundingClientRect())`,
      );
      expect(await current.innerText()).toBe(path === "/" ? "overview" : "search");
    }
  });

  it("shows the tab that is chosen, also where the tabs are wider than the screen", async () => {
    const { page: opened, visit } = await open({ look: PHONE });
    for (const path of ["/workflows?status=DONE", "/timers?state=ended"]) {
      await visit(path);
      await opened.waitForFunction(
        `(({ left, right }) => left >= 0 && right <= innerWidth)(document.querySelector(".tabs [aria-pressed=true]:not([aria-label=Workflow] *)").getBoundingClientRect())`,
      );
    }
  });

  it("a list shows the state of each timer", async () => {
    const { page: opened, visit } = await open({ look: PHONE });
    await visit("/timers?state=late");
    expect(await opened.getByRole("cell", { name: "late" }).first().isVisible()).toBe(true);
  });
});

describe("filters", () => {
  it("are in the address, so that a link and the back key show the same", async () => {
    const { page: opened, visit } = await open();
    await visit("/timers");
    await opened.getByRole("button", { name: "late 2" }).click();
    await opened.getByRole("searchbox").fill("0011");
    await opened.getByRole("table", { name: "1 timer" }).waitFor();
    expect(new URL(opened.url()).search).toBe("?state=late&q=0011");
    await opened.reload();
    await settled(opened);
    expect(await opened.getByRole("searchbox").inputValue()).toBe("0011");
    expect(await opened.getByRole("row").count()).toBe(2);
    expect(await opened.getByRole("button", { name: /^late/ }).getAttribute("aria-pressed")).toBe("true");
  });

  it("say when nothing matches", async () => {
    const { page: opened, visit } = await open();
    await visit("/timers?q=nothing");
    expect(await opened.getByText("No timer matches.").isVisible()).toBe(true);
  });
});

describe("a list of 10,000", () => {
  it("has only the rows that show in the document, and shows the last after scrolling there", async () => {
    const { page: opened, visit } = await open({ timers: 10_000 });
    await visit("/timers");
    expect(await opened.getByRole("button", { name: "all 10,000" }).isVisible()).toBe(true);
    expect(await opened.getByRole("row").count()).toBeLessThan(60);
    await opened.evaluate("document.querySelector('.window').scrollTop = 1e9");
    await opened.getByText("timer-9999").waitFor();
    expect(await opened.getByRole("row").count()).toBeLessThan(60);
    const table = opened.getByRole("table");
    expect(await table.getAttribute("aria-rowcount")).toBe("10001");
  });
});

describe("a poll", () => {
  it("shows what has changed without a reload, and is not made while nobody looks", async () => {
    let state = "No failures";
    const overview = fakeViews().overview;
    const { page: opened, asked } = await open({
      pollMs: 2_000,
      views: {
        overview: async (query) => {
          const view = await overview(query);
          return { ...view, features: view.features.map((each) => ({ ...each, headline: state })) };
        },
      },
    });
    await opened.getByText("No failures").first().waitFor();
    state = "All is lost";
    await opened.clock.runFor(2_500);
    await opened.getByText("All is lost").first().waitFor();
    await opened.evaluate(
      "Object.defineProperty(document, 'visibilityState', { value: 'hidden', configurable: true }); document.dispatchEvent(new Event('visibilitychange'))",
    );
    await opened.clock.runFor(2_500);
    // Requests from before.
    await opened.evaluate("window.answered()");
    const before = asked.length;
    await opened.clock.runFor(600_000);
    expect(asked.length).toBe(before);
    state = "All is well again";
    await opened.evaluate(
      "Object.defineProperty(document, 'visibilityState', { value: 'visible', configurable: true }); document.dispatchEvent(new Event('visibilitychange'))",
    );
    await opened.getByText("All is well again").first().waitFor();
  });

  it("that fails says why, and keeps what was read", async () => {
    let fails = false;
    const { timers } = fakeViews();
    const { page: opened, visit } = await open({
      pollMs: 2_000,
      views: {
        timers: (query) =>
          fails ? Promise.reject(new RequestError(403, "Your credentials may not do this.")) : timers(query),
      },
    });
    await visit("/timers");
    fails = true;
    await opened.clock.runFor(2_500);
    await opened.getByRole("alert").waitFor();
    expect(await opened.getByRole("alert").innerText()).toContain("Your credentials may not do this.");
    expect(await opened.getByText("timer-0001").isVisible()).toBe(true);
    fails = false;
    await opened.getByRole("button", { name: "Try again" }).click();
    await opened.getByRole("alert").waitFor({ state: "detached" });
  });

  it("of what somebody else has deleted says so, and offers nothing to do with it", async () => {
    let deleted = false;
    const { timer } = fakeViews();
    const { page: opened, visit } = await open({
      pollMs: 2_000,
      views: {
        timer: (query) =>
          deleted ? Promise.reject(new RequestError(404, 'There is no periodic timer "tea".')) : timer(query),
      },
    });
    await visit("/timers/periodic/tea");
    await opened.getByRole("button", { name: "Fire now" }).waitFor();
    deleted = true;
    await opened.clock.runFor(2_500);
    await opened.getByRole("status").getByText('There is no periodic timer "tea".').waitFor();
    expect(await opened.getByRole("main").getByRole("button").count()).toBe(0);
    expect(await opened.getByRole("alert").count()).toBe(0);
    // It may be set again.
    deleted = false;
    await opened.clock.runFor(2_500);
    await opened.getByRole("button", { name: "Fire now" }).waitFor();
  });

  it("says so when the server has ended", async () => {
    const { page: opened, console: console_ } = await open({ pollMs: 2_000 });
    await settled(opened);
    await console_.close();
    await opened.clock.runFor(2_500);
    await opened.getByText("The console's server does not respond.").first().waitFor();
  });
});

describe("the architecture", () => {
  it("lights the edges of a function as it runs, for some seconds, and again when it runs again", async () => {
    const fake = fakeViews({ pollMs: 2_000 });
    const timers = (await fake.architecture({})).drawings.find(({ feature }) => feature === "timers");
    const dispatch = timers?.nodes.find(({ functionName }) => functionName === "timers-dispatch")?.id;
    const edges = timers?.edges.filter(({ from, to }) => [from, to].includes(dispatch ?? "")) ?? [];
    expect(edges.length).toBeGreaterThan(1);
    let now = Date.parse(CONSOLE_NOW);
    let lastAt: string | undefined;
    const { page: opened } = await open({
      views: {
        environment: async (query) => ({ ...(await fake.environment(query)), now: new Date(now).toISOString() }),
        activity: () =>
          Promise.resolve({ functions: lastAt ? { "timers-dispatch": { lastAt, runs: 1, errors: 0 } } : {} }),
      },
    });
    const lit = opened.locator(".diagram .edge.lit");
    const passes = async (seconds: number) => {
      now += seconds * 1_000;
      await opened.clock.setFixedTime(now);
      await opened.clock.runFor(2_500);
    };
    const litAre = async (labels: readonly string[]) => {
      await lit.nth(labels.length).waitFor({ state: "detached" });
      if (labels.length > 0) await lit.nth(labels.length - 1).waitFor({ state: "attached" });
      expect((await lit.locator("title").allTextContents()).sort()).toEqual([...labels].sort());
    };
    await litAre([]);
    for (let run = 1; run <= 2; run += 1) {
      lastAt = new Date(now).toISOString();
      await passes(1);
      await litAre(edges.map(({ label }) => label));
      expect(await lit.locator(".pulse").count()).toBe(edges.length);
      await passes(10);
      await litAre([]);
    }
    const others = opened.getByRole("region", { name: /^Architecture of (?!timers)/ });
    expect(await others.locator(".pulse").count()).toBe(0);
  });
});

describe("an action", () => {
  const runs: (readonly [name: string, values: Values])[] = [];
  const act: Act = (name, values) => {
    runs.push([name, values]);
    return Promise.resolve({
      ok: values["input"] !== "{",
      output: values["input"] === "{" ? "not JSON" : "It has begun",
    });
  };
  const dialogOf = (opened: Page) => opened.getByRole("dialog", { name: "Run now" });

  it("shows its command, runs it with what was entered, and shows what the command says and changes", async () => {
    const { page: opened, visit } = await open({ act });
    await visit("/schedules/invoices");
    await opened.getByRole("button", { name: "Run now" }).click();
    const dialog = dialogOf(opened);
    await dialog.getByLabel("Input, JSON").fill('{"day": "it\'s"}');
    expect(await dialog.getByLabel("Command", { exact: true }).innerText()).toBe(
      `npx almanac schedules run '--input={"day": "it'\\''s"}' --no-wait --env=local invoices`,
    );
    expect(await violations(opened)).toEqual([]);
    expect(runs).toEqual([]);
    const reloaded = opened.waitForResponse((response) => response.url().includes("/api/schedule?"));
    await dialog.getByRole("button", { name: "Run now" }).click();
    await dialog.getByText("It has begun").waitFor();
    expect(runs).toEqual([["schedules.run", { schedule: "invoices", input: `{"day": "it's"}` }]]);
    await reloaded;
    await dialog.getByRole("button", { name: "Close" }).click();
    await dialog.waitFor({ state: "detached" });
  });

  it("runs once when it is confirmed twice", async () => {
    runs.length = 0;
    const { page: opened, visit } = await open({ act });
    await visit("/schedules/invoices");
    await opened.getByRole("button", { name: "Run now" }).click();
    const dialog = dialogOf(opened);
    await opened.evaluate(`for (const _ of [1, 2]) document.querySelector("form").requestSubmit()`);
    await dialog.getByText("It has begun").waitFor();
    await opened.evaluate("answered()");
    expect(runs).toHaveLength(1);
  });

  it("whose answer is lost is asked for its end, and runs once", async () => {
    runs.length = 0;
    const { page: opened, visit } = await open({ act });
    let [lost, sent] = [0, 0];
    await opened.route("**/api/actions/*", async (route) => {
      sent += 1;
      if (sent > 1) return route.continue();
      await route.fetch();
      lost += 1;
      return route.abort("connectionreset");
    });
    await visit("/schedules/invoices");
    await opened.getByRole("button", { name: "Run now" }).click();
    const dialog = dialogOf(opened);
    await dialog.getByRole("button", { name: "Run now" }).click();
    await dialog.getByText("It has begun").waitFor();
    expect([lost, sent]).toEqual([1, 2]);
    expect(runs).toHaveLength(1);
  });

  it("says that it may have run when the console is gone", async () => {
    const { page: opened, visit, console: console_ } = await open({ act });
    await visit("/schedules/invoices");
    await opened.getByRole("button", { name: "Run now" }).click();
    const dialog = dialogOf(opened);
    await console_.close();
    running.splice(running.indexOf(console_), 1);
    await dialog.getByRole("button", { name: "Run now" }).click();
    await dialog.getByText("The action may have run").waitFor();
  });

  it("that fails says why, and can be mended", async () => {
    const { page: opened, visit } = await open({ act });
    await visit("/schedules/invoices");
    await opened.getByRole("button", { name: "Run now" }).click();
    const dialog = dialogOf(opened);
    await dialog.getByLabel("Input, JSON").fill("{");
    await dialog.getByRole("button", { name: "Run now" }).click();
    await dialog.getByText("not JSON").waitFor();
    expect(await dialog.getByText("failed").isVisible()).toBe(true);
    await dialog.getByLabel("Input, JSON").fill("{}");
    await dialog.getByRole("button", { name: "Run now" }).press("Enter");
    await dialog.getByText("It has begun").waitFor();
    // The focus stays where it was, and returns to the button of the view.
    expect(await opened.evaluate("document.activeElement.textContent")).toBe("Run now");
    await opened.keyboard.press("Escape");
    await dialog.waitFor({ state: "detached" });
    expect(await opened.evaluate("document.activeElement.textContent")).toBe("Run now");
  });

  it("whose effect takes its button away still shows its end", async () => {
    let state: "enabled" | "paused" = "enabled";
    const { schedule } = fakeViews();
    const { page: opened, visit } = await open({
      act: () => {
        state = "paused";
        return Promise.resolve({ ok: true, output: "invoices is paused" });
      },
      views: {
        schedule: async (query) => {
          const view = await schedule(query);
          return { ...view, schedule: { ...view.schedule, state } };
        },
      },
    });
    await visit("/schedules/invoices");
    await opened.getByRole("button", { name: "Pause" }).click();
    const dialog = opened.getByRole("dialog", { name: "Pause" });
    await dialog.getByRole("button", { name: "Pause" }).click();
    await opened.getByRole("button", { name: "Resume", includeHidden: true }).waitFor();
    expect(await dialog.getByText("invoices is paused").isVisible()).toBe(true);
  });

  it("edits a dead letter before it is sent, and only a message", async () => {
    const edited: Values[] = [];
    const { pipeline } = fakeViews();
    const { page: opened, visit } = await open({
      act: (_, values) => {
        edited.push(values);
        return Promise.resolve({ ok: true, output: "sent back to the ingress" });
      },
      views: {
        pipeline: async (query) => ({ ...(await pipeline(query)), ...(edited.length > 0 && { deadLetters: [] }) }),
      },
    });
    await visit("/pipelines/jobOrder?tab=dead");
    expect(await opened.getByRole("button", { name: "Edit and send" }).count()).toBe(1);
    await opened.getByRole("button", { name: "Edit and send" }).click();
    const dialog = opened.getByRole("dialog", { name: "Edit and send" });
    const body = dialog.getByLabel("The message in its place, JSON");
    expect(await body.inputValue()).not.toBe("");
    await body.fill('{"a": 1}');
    expect(await dialog.getByLabel("Command", { exact: true }).innerText()).toContain("printf %s '{\"a\": 1}' | npx");
    await dialog.getByRole("button", { name: "Edit and send" }).click();
    await dialog.getByText("sent back to the ingress").waitFor();
    expect(edited).toMatchObject([{ pipeline: "jobOrder", body: '{"a": 1}' }]);
    await opened.getByText("There are none.").waitFor({ state: "attached" });
    await opened.keyboard.press("Escape");
    // Its button is gone. The page hears of the dialog's end after it has ended.
    await opened.locator("main:focus").waitFor();
    expect(await dialog.count()).toBe(0);
  });

  it("changes a timer: its form begins with what the timer is", async () => {
    const { page: opened, visit } = await open({ act });
    await visit("/timers/periodic/timer-0001");
    await opened.getByRole("button", { name: "Change" }).click();
    const dialog = opened.getByRole("dialog", { name: "Change" });
    expect(await dialog.getByLabel("Data, JSON").inputValue()).toBe('"tea"');
    const every = dialog.getByLabel("Every (optional)");
    expect(await every.inputValue()).toBe("15 minutes");
    expect(await violations(opened)).toEqual([]);
    await every.fill("20 minutes");
    const command = await dialog.getByLabel("Command", { exact: true }).innerText();
    expect(command).toMatch(/^npx almanac timers put '--every=20 minutes' --start=.* '--data="tea"' .* timer-0001$/);
    expect(command).toContain("--if-version=v1");
    await dialog.getByRole("button", { name: "Change" }).click();
    await dialog.getByText("It has begun").waitFor();
    expect(runs.at(-1)).toMatchObject(["timers.change", { id: "timer-0001", every: "20 minutes", data: '"tea"' }]);
  });

  it("of a console that only reads is its command, to be run by hand", async () => {
    const { page: opened, visit } = await open({ canWrite: false });
    await visit("/timers/periodic/timer-0001");
    await opened.getByRole("button", { name: "Delete" }).click();
    const dialog = opened.getByRole("dialog", { name: "Delete" });
    expect(await dialog.getByLabel("Command", { exact: true }).innerText()).toBe(
      "npx almanac timers rm --env=local timer-0001",
    );
    expect(await dialog.getByRole("button").allInnerTexts()).toEqual(["Close"]);
  });
});

describe("the clock of local", () => {
  it("lets time pass as far as the slider says, by a command", async () => {
    const runs: (readonly [name: string, values: Values])[] = [];
    const { page: opened } = await open({
      act: (name, values) => {
        runs.push([name, values]);
        return Promise.resolve({ ok: true, output: "on its way" });
      },
    });
    await opened.getByText("Real time").click();
    const slider = opened.getByRole("slider", { name: "Let time pass" });
    await slider.press("End");
    expect(await slider.getAttribute("aria-valuetext")).toMatch(/^7 d, until .*28/);
    await slider.press("ArrowLeft");
    await slider.press("ArrowLeft");
    expect(await violations(opened)).toEqual([]);
    await opened.getByRole("button", { name: "Advance the clock" }).click();
    const dialog = opened.getByRole("dialog", { name: "Advance the clock" });
    expect(await dialog.getByLabel("Command", { exact: true }).innerText()).toBe(
      "npx almanac clock advance --no-wait 1d",
    );
    await dialog.getByRole("button", { name: "Advance the clock" }).click();
    await dialog.getByText("on its way").waitFor();
    expect(runs).toEqual([["clock.advance", { by: "1d" }]]);
  });

  it.each(LOOKS)("that was moved says so above every view, on a %s", async (_, look) => {
    const clock = { aheadMs: 93_600_000, error: "After 60 s these are still busy: timers-dispatch." };
    const { page: opened, visit } = await open({ look, clock });
    for (const path of ["/workflows/task/order-17"]) {
      await visit(path);
      const bar = opened.getByRole("region", { name: "Clock" });
      expect(await bar.innerText()).toMatch(/Not real time:.*21.*2026.* 1 d 2 h ahead\. It stopped: After 60 s/s);
      expect(await bar.getByRole("button", { name: "Back to now" }).isVisible()).toBe(true);
      await bar.getByText("Move it on").click();
      expect(await violations(opened)).toEqual([]);
      expect(await opened.evaluate("document.documentElement.scrollWidth")).toBe(look.viewport.width);
    }
  });

  it("that is being moved shows how far it is, and can be stopped", async () => {
    const moving = {
      aheadMs: 60_000,
      isMoving: true,
      until: "2026-11-22T06:56:00.000Z",
      invocations: 1_234,
      failed: 1,
    };
    const { page: opened } = await open({ clock: moving });
    const bar = opened.getByRole("region", { name: "Clock" });
    expect(await bar.innerText()).toMatch(/on its way to .*22.*: 1,234 invocations, 1 failed/s);
    await bar.getByRole("button", { name: "Stop it here" }).click();
    const dialog = opened.getByRole("dialog", { name: "Stop it here" });
    expect(await dialog.getByLabel("Command", { exact: true }).innerText()).toBe("npx almanac clock speed 1");
  });
});

describe("a task", () => {
  it("shows its machine with the current state, and the input of the state that is chosen", async () => {
    const { page: opened, visit } = await open();
    await visit("/workflows/task/order-17");
    const states = opened.getByRole("region", { name: "State machine" });
    expect(await states.getByRole("button", { name: "Work: current" }).getAttribute("aria-pressed")).toBe("true");
    await states.getByRole("button", { name: "Pause: succeeded" }).press("Enter");
    expect(await opened.getByLabel("Input of Pause").innerText()).toContain("order-17");
  });
});

describe("a machine within a machine", () => {
  it("is drawn with the current state of each branch, and opens at the innermost", async () => {
    const { task } = fakeViews();
    const history = historyOf([
      ["ParallelStateEntered", { state: "Both" }],
      ["TaskStateEntered", { state: "Charge", after: 1 }],
      ["MapStateEntered", { state: "Each item", after: 1 }],
      ["TaskStateEntered", { state: "Ship", after: 3, input: '"parcel"' }],
      ["TaskStateEntered", { state: "Ship", after: 3, input: '"letter"' }],
    ]);
    const { page: opened, visit } = await open({
      views: { task: async (query) => ({ ...(await task(query)), machine: machineView(NESTED_MACHINE, history) }) },
    });
    await visit("/workflows/task/order-17");
    const states = opened.getByRole("region", { name: "State machine" });
    for (const name of ["Both", "Charge", "Each item", "Ship × 2"])
      expect(await states.getByRole("button", { name: `${name}: current` }).count()).toBe(1);
    expect(await states.getByRole("button", { name: /: idle$/ }).count()).toBe(4);
    expect(await opened.getByLabel("Input of Ship").innerText()).toBe('"letter"');
    await states.getByRole("button", { name: "Both: current" }).click({ position: { x: 12, y: 12 } });
    await opened.getByRole("region", { name: "State Both" }).waitFor();
    expect(await violations(opened)).toEqual([]);
  });
});

describe("the keyboard", () => {
  it("goes to views, to the search, and shows its keys", async () => {
    const { page: opened, visit } = await open();
    await opened.keyboard.press("g");
    await opened.keyboard.press("t");
    await opened.getByText("timer-0001").waitFor();
    await opened.keyboard.press("/");
    expect(await opened.evaluate("document.activeElement.type")).toBe("search");
    await opened.keyboard.type("g?");
    expect(await opened.getByRole("dialog").count()).toBe(0);
    await visit("/");
    await opened.keyboard.press("?");
    await opened.getByRole("dialog").waitFor();
    expect(await violations(opened)).toEqual([]);
    await opened.keyboard.press("Escape");
    await opened.getByRole("dialog").waitFor({ state: "detached" });
    await opened.keyboard.press("Tab");
    expect(await opened.evaluate("document.activeElement.textContent")).not.toBe("");
  });
});

describe("times", () => {
  it("are relative or local, and UTC on hover", async () => {
    const { page: opened } = await open({ look: { timezoneId: "Asia/Tokyo" } });
    await settled(opened);
    const time = opened.locator("time").first();
    expect(await time.innerText()).toBe("12 min ago");
    expect(await time.getAttribute("title")).toMatch(/3:44:00.*2026-11-21T06:44:00\.000Z UTC/);
  });
});
