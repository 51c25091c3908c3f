// The clock of a function: Date and timers follow the emulator's clock, which may be ahead. Runs before the function is loaded.
"use strict";
const { readFileSync, rmSync, writeFileSync } = require("node:fs");
const { join } = require("node:path");

/** How long the emulator's clock may be as it was last read, in real milliseconds. */
const FRESH_MS = 5;
/** A shorter wait is a wait for something real. */
const SHORT_MS = 50;

const RealDate = Date;
const realNow = Date.now;
const { setTimeout: realSetTimeout, clearTimeout: realClearTimeout } = globalThis;
const { ALMANAC_CLOCK: file, ALMANAC_WAITING: folder } = process.env;
const waitingFile = join(folder, String(process.pid));

let clock = { offsetMs: 0, moving: false };
let readAt = -Infinity;

function current() {
  const now = realNow();
  if (now - readAt >= FRESH_MS || now < readAt) {
    readAt = now;
    try {
      clock = JSON.parse(readFileSync(file, "utf8"));
    } catch {
      // Not written yet: the machine's clock.
    }
  }
  return clock;
}

const now = () => Math.floor(realNow() + current().offsetMs);

globalThis.Date = new Proxy(RealDate, {
  construct: (target, args, self) => Reflect.construct(target, args.length === 0 ? [now()] : args, self),
  apply: () => new RealDate(now()).toString(),
  get: (target, name) => (name === "now" ? now : Reflect.get(target, name)),
});

/** Timers that wait for the emulator's clock, with when they are due. */
const timers = new Map();
let poll;

class Timer {
  constructor(callback, milliseconds, args) {
    this.callback = callback;
    this.milliseconds = milliseconds;
    this.args = args;
    this.kept = true;
    this.arm();
  }
  arm() {
    timers.set(this, realNow() + current().offsetMs + this.milliseconds);
    // Real timers that do nothing keep the process alive, or do not.
    poll ??= realSetTimeout(fireDue, FRESH_MS);
    return this;
  }
  refresh() {
    return timers.has(this) ? this.arm() : this;
  }
  close() {
    timers.delete(this);
    return this;
  }
  ref() {
    this.kept = true;
    return this;
  }
  unref() {
    this.kept = false;
    return this;
  }
  hasRef() {
    return this.kept;
  }
  [Symbol.toPrimitive]() {
    return this;
  }
}

function fireDue() {
  poll = undefined;
  const time = realNow() + current().offsetMs;
  const due = [...timers].filter(([, at]) => at <= time).sort(([, one], [, other]) => one - other);
  for (const [timer] of due) {
    if (!timers.delete(timer)) continue;
    timer.callback(...timer.args);
  }
  if (due.length > 0) report(undefined);
  else if (timers.size > 0 && !waitsForSomethingReal()) report(Math.min(...timers.values()));
  else report(undefined);
  if (timers.size > 0) poll ??= realSetTimeout(fireDue, FRESH_MS);
}

/** Whether anything but a timer or the emulator's next line can make this process go on. */
function waitsForSomethingReal() {
  return process.getActiveResourcesInfo().some((name) => !["PipeWrap", "Timeout", "TTYWrap"].includes(name));
}

let reported;
/** Says that this process only waits until an instant, in epoch milliseconds; undefined: it does not. */
function report(until) {
  if (until === reported) return;
  reported = until;
  if (until === undefined) rmSync(waitingFile, { force: true });
  else writeFileSync(waitingFile, String(until));
}
process.on("exit", () => report(undefined));

globalThis.setTimeout = function (callback, milliseconds = 0, ...args) {
  // Else the machine's timers are right, and cost nothing.
  if (!(milliseconds > SHORT_MS) || !current().moving) return realSetTimeout(callback, milliseconds, ...args);
  return new Timer(callback, milliseconds, args);
};
globalThis.clearTimeout = function (timer) {
  if (timer instanceof Timer) timer.close();
  else realClearTimeout(timer);
};
