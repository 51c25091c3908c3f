// The clock of a function: Date and timers follow the emulator's, which may be ahead of the machine's. advance.py puts this before the
// script of each worker, with `CLOCK_FILE` and `WAITING_FOLDER`.
"use strict";
const { readFileSync, rmSync, writeFileSync } = require("node:fs");
const { join } = require("node:path");

/** How old the emulator's clock may be, in real milliseconds. */
const FRESH_MS = 5;
/** A shorter wait is a wait for something real. */
const SHORT_MS = 50;

const RealDate = Date;
const realNow = Date.now;
const { setTimeout: realSetTimeout, clearTimeout: realClearTimeout } = globalThis;

let clock = { offsetMs: 0, moving: false };
let readAt = -Infinity;

function current() {
  const real = realNow();
  if (real - readAt >= FRESH_MS || real < readAt) {
    readAt = real;
    try {
      clock = JSON.parse(readFileSync(CLOCK_FILE, "utf8"));
    } catch {
      // The file is replaced at this moment: it is read again soon.
    }
  }
  return clock;
}

const preciseNow = () => realNow() + current().offsetMs;
const now = () => Math.floor(preciseNow());

globalThis.Date = new Proxy(RealDate, {
  construct: (target, args, self) => Reflect.construct(target, args.length === 0 ? [now()] : args, self),
  apply: () => new RealDate(now()).toString(),
  get: (target, name) => (name === "now" ? now : Reflect.get(target, name)),
});

/** True: between an invocation and its response. */
let invoked = false;
/** Timers that were started while the clock was being moved, and when they are due, in epoch milliseconds. */
const timers = new Map();
let polling = false;

class Timer {
  constructor(callback, milliseconds, args) {
    this.milliseconds = milliseconds;
    // Fires where the clock stands still.
    this.real = realSetTimeout(() => {
      timers.delete(this);
      callback(...args);
    }, milliseconds);
    this.fire = () => {
      this.close();
      callback(...args);
    };
    this.arm();
  }
  arm() {
    timers.set(this, preciseNow() + this.milliseconds);
    poll();
  }
  close() {
    timers.delete(this);
    realClearTimeout(this.real);
    return this;
  }
  refresh() {
    this.real.refresh();
    this.arm();
    return this;
  }
  ref() {
    this.real.ref();
    return this;
  }
  unref() {
    this.real.unref();
    return this;
  }
  hasRef() {
    return this.real.hasRef();
  }
}

function poll() {
  if (polling || !invoked || timers.size === 0) return;
  polling = true;
  realSetTimeout(() => {
    polling = false;
    fireDue();
    poll();
  }, FRESH_MS);
}

function fireDue() {
  const time = preciseNow();
  const due = [...timers].filter(([, at]) => at <= time).sort(([, one], [, other]) => one - other);
  for (const [timer] of due) if (timers.has(timer)) timer.fire();
  const waits = invoked && due.length === 0 && timers.size > 0 && !waitsForSomethingReal();
  report(waits ? Math.min(...timers.values()) : undefined);
}

/** Whether anything but a timer or the next invocation can make this process go on. */
function waitsForSomethingReal() {
  return process.getActiveResourcesInfo().some((name) => !["PipeWrap", "Timeout", "TTYWrap"].includes(name));
}

const waitingFile = join(WAITING_FOLDER, String(process.pid));
let reported;
/** Says that the invocation only waits until an instant, in epoch milliseconds; undefined: it does not. */
function report(until) {
  if (until === reported) return;
  reported = until;
  if (until === undefined) rmSync(waitingFile, { force: true });
  else writeFileSync(waitingFile, String(until));
}
process.on("exit", () => report(undefined));

// The worker's script reads invocations from stdin, and writes nothing but their responses to stdout.
process.stdin.on("data", () => {
  invoked = true;
  // It may have been moved since the last invocation.
  readAt = -Infinity;
});
const write = process.stdout.write;
process.stdout.write = function (...args) {
  invoked = false;
  report(undefined);
  return write.apply(process.stdout, args);
};

globalThis.setTimeout = Object.assign(function (callback, milliseconds = 0, ...args) {
  // Otherwise the machine's timers are right.
  if (!(milliseconds > SHORT_MS) || !current().moving) return realSetTimeout(callback, milliseconds, ...args);
  return new Timer(callback, milliseconds, args);
}, realSetTimeout);
globalThis.clearTimeout = function (timer) {
  if (timer instanceof Timer) timer.close();
  else realClearTimeout(timer);
};
