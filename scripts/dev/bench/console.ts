/** Benchmark: the console in headless Chromium, with views of a busy environment: 10,000 timers, 90 days of a monitor. */
import { gzipSync } from "node:zlib";
import type { Browser, Page } from "playwright-core";
import type { Query } from "../../console/contract";
import { bundlePage } from "../../console/server/bundle-page";
import { startConsole, type RunningConsole } from "../../console/server/server";
import { ensureChromium, launchChromium } from "../../../test/support/chromium";
import { fakeViews } from "../../../test/support/console-views";
import { figureAtLeast, figureAtMost, median, type Figure } from "./figure";

const RUNS = 5;
const SCROLL_MS = 2_000;
const IDLE_MS = 5_000;
const POLL_MS = 1_000;

export async function benchConsole(): Promise<readonly Figure[]> {
  await ensureChromium();
  const page = await bundlePage();
  let calls = 0;
  const views = Object.entries(fakeViews({ timers: 10_000, pollMs: POLL_MS })).map(([name, view]) => {
    const counted = (query: Query): Promise<unknown> => {
      calls += 1;
      return view(query);
    };
    return [name, counted] as const;
  });
  const console_ = await startConsole({ page, views: Object.fromEntries(views), port: 0 });
  const browser = await launchChromium();
  try {
    const loads: { readonly paint: number; readonly data: number }[] = [];
    for (let run = 0; run < RUNS; run += 1) loads.push(await load(browser, console_));
    const opened = await browser.newPage();
    await opened.goto(console_.issueAddress());
    await opened.locator(".feature").first().waitFor(); // with a session
    const fps = await scrolled(opened, `http://127.0.0.1:${console_.port}/timers`);
    await opened.close();
    const before = calls;
    const cpu = process.cpuUsage();
    await new Promise((resolve) => setTimeout(resolve, IDLE_MS));
    const { user, system } = process.cpuUsage(cpu);
    const script = page["/console.js"]?.content ?? "";
    return [
      figureAtMost("paint_s", median(loads.map(({ paint }) => paint)) / 1_000, "s", 0.3),
      figureAtMost("data_s", median(loads.map(({ data }) => data)) / 1_000, "s", 1),
      figureAtMost("script_kb", gzipSync(script).length / 1_000, "KB", 80),
      figureAtLeast("fps_min", fps, "frames/s", 55),
      figureAtMost("idle_calls", calls - before, "calls", 0),
      figureAtMost("idle_cpu_share", (user + system) / 1_000 / IDLE_MS, "of a core", 0.01),
    ];
  } finally {
    await browser.close();
    await console_.close();
  }
}

/** @returns milliseconds after the navigation: the first contentful paint, and the first data */
async function load(browser: Browser, { issueAddress }: RunningConsole): Promise<{ paint: number; data: number }> {
  const opened = await browser.newPage();
  await opened.goto(issueAddress());
  await opened.locator(".feature").first().waitFor();
  const data = await opened.evaluate<number>("performance.now()");
  const paint = await opened.evaluate<number>("performance.getEntriesByName('first-contentful-paint')[0].startTime");
  await opened.close();
  return { paint, data };
}

/** Frames a second while the list of timers scrolls from its beginning to its end. */
async function scrolled(opened: Page, url: string): Promise<number> {
  await opened.goto(url);
  await opened.getByText("timer-0001").waitFor();
  return opened.evaluate<number>(`new Promise((resolve) => {
    const list = document.querySelector(".window");
    const began = performance.now();
    let frames = 0;
    const step = () => {
      frames += 1;
      const passed = performance.now() - began;
      list.scrollTop = (list.scrollHeight * passed) / ${SCROLL_MS};
      if (passed < ${SCROLL_MS}) requestAnimationFrame(step);
      else resolve((frames * 1000) / passed);
    };
    requestAnimationFrame(step);
  })`);
}
