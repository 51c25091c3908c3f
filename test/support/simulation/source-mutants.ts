/** Mutants as changes of the engine's source: one text replaced by another. The simulation must detect each, by whatever invariant. */
export interface SourceMutant {
  /** Completes "an engine that ...". */
  readonly name: string;
  readonly file: string;
  /** Occurs once in the file. */
  readonly from: string;
  readonly to: string;
}

const PUT = "functions/timers/api/put-timers.ts";
const DISPATCHER = "functions/timers/dispatch/dispatcher.ts";
const SHARDS = "functions/timers/dispatch/dispatch-shards.ts";
const WINDOWS = "functions/timers/dispatch/windows.ts";
const FIRE_TIMES = "functions/timers/schedule/fire-times.ts";
const QUEUE = "functions/timers/queue/fire-queue.ts";
const CALLBACK = "functions/timers/callback/process-deliveries.ts";
const SCHEDULE = "functions/timers/schedule/schedule.ts";

export const SOURCE_MUTANTS: readonly SourceMutant[] = [
  // --- PUTs ---
  {
    name: "writes a row as enqueued before it is",
    file: PUT,
    from: "return fires.length === 0 ? advanced : { ...timer, enqueuedUntil: start };",
    to: "return advanced;",
  },
  {
    name: "puts an overdue row in its normal place",
    file: PUT,
    from: "const indexKey = isUnenqueued(row) ? overdueIndexKey(row) : indexKeyOf(row);",
    to: "const indexKey = indexKeyOf(row);",
  },
  {
    name: "takes back one fire too few",
    file: PUT,
    from: "[firstMissing] ?? 0) - 1;",
    to: "[firstMissing] ?? 0);",
  },
  {
    name: "counts all fires of a PUT as sent",
    file: PUT,
    from: "const missing = new Set([...unsent, ...rejections.keys()]);",
    to: "const missing = new Set([...unsent, ...rejections.keys()].slice(0, 0));",
  },
  {
    name: "leaves the rest of a PUT in its normal place",
    file: PUT,
    from: "firstMissing < 0 ? indexKeyOf(advanced) : overdueIndexKey(advanced);",
    to: "indexKeyOf(advanced);",
  },
  {
    name: "replaces a timer that does not change",
    file: PUT,
    from: "if (stored !== undefined && isUnchanged?.(stored) === true) return stored;",
    to: "",
  },
  {
    name: "replaces a timer whose callback changes",
    file: PUT,
    from: "if (isMove?.(stored) !== true) return newRow(replacing(stored, next));",
    to: "return newRow(replacing(stored, next));",
  },
  {
    name: "fences the fires that were enqueued before a move",
    file: FIRE_TIMES,
    from: "return before !== undefined && (isByRequest(fire) || scheduledTimeOf(fire) <= before.until);",
    to: "return false;",
  },
  {
    name: "delivers both fires of a move",
    file: FIRE_TIMES,
    from: "return before !== undefined && (isByRequest(fire) || scheduledTimeOf(fire) <= before.until);",
    to: "return before !== undefined;",
  },
  {
    name: "forgets the fires that waited before a move",
    file: FIRE_TIMES,
    from: "const until = Math.max(Math.min(putAt, enqueued), exclusiveStart(stored));",
    to: "const until = putAt;",
  },
  {
    name: "repeats the fires of the timing wheel after a move",
    file: FIRE_TIMES,
    from: "const enqueued = isByRow ? enqueuedUntil : Math.max(cursor, enqueuedUntil);",
    to: "const enqueued = enqueuedUntil;",
  },
  {
    name: "takes the cursor for the progress of every row that moves",
    file: FIRE_TIMES,
    from: "const enqueued = isByRow ? enqueuedUntil : Math.max(cursor, enqueuedUntil);",
    to: "const enqueued = Math.max(cursor, enqueuedUntil);",
  },
  {
    name: "counts fires twice that are enqueued again after a move",
    file: FIRE_TIMES,
    from: "...firesLeftAfter(stored, until),",
    to: "",
  },
  {
    name: "ignores idempotency keys",
    file: PUT,
    from: "if (stored !== undefined && isRetryOf(stored, timer)) return stored;",
    to: "",
  },
  {
    name: "acknowledges a PUT that lost a race",
    file: PUT,
    from: "conflict = error;",
    to: "return row;",
  },
  {
    name: "answers a PUT with the timer that it should replace",
    file: PUT,
    from: "if (stored?.version === timer.version) return stored;",
    to: "if (stored !== undefined) return stored;",
  },
  {
    name: "does not ensure the shard's cursor",
    file: PUT,
    from: "await table.ensureCursor(put.timer.shard, put.timer.putAt);",
    to: "",
  },
  {
    name: "enqueues less than the horizon, and says that it is the horizon",
    file: PUT,
    from: "fires: isUnenqueued(stored) ? planEnqueue(stored, stored.enqueuedUntil, horizonOf(stored)).fires : [],",
    to: "fires: isUnenqueued(stored) ? planEnqueue(stored, stored.enqueuedUntil, horizonOf(stored)).fires.slice(0, 1) : [],",
  },

  // --- sending ---
  {
    name: "counts a failed batch as sent",
    file: QUEUE,
    from: "errors.push(error);",
    to: "errors.push(error); return;",
  },
  {
    name: "forgets the entries of a batch that still fail at the deadline",
    file: QUEUE,
    from: "if (isGivenUp || clock.now() + backoff >= giveUpAt) {\n        unsent.push(...pending);",
    to: "if (isGivenUp || clock.now() + backoff >= giveUpAt) {",
  },
  {
    name: "forgets batches that wait until the deadline",
    file: QUEUE,
    from: "// The batch has waited for its turn until the deadline.\n        unsent.push(...pending);",
    to: "",
  },
  {
    name: "retries a whole batch as its first entry",
    file: QUEUE,
    from: "pending = retryable;",
    to: "pending = retryable.slice(0, 1);",
  },
  {
    name: "rounds delays up",
    file: QUEUE,
    from: "Math.min(MAX_DELAY_SECONDS, Math.floor(",
    to: "Math.min(MAX_DELAY_SECONDS, 2 + Math.floor(",
  },

  // --- the dispatcher ---
  {
    name: "saves a position before its page is sent",
    file: DISPATCHER,
    from: "pass.progress = { cursor: window.after, position: oldest.end };",
    to: "pass.progress = { cursor: window.after, position: inFlight.at(-1)?.end ?? oldest.end };",
  },
  {
    name: "stops a window without awaiting the pages in flight",
    file: DISPATCHER,
    from: 'await awaitAll();\n  return pass.isRefused ? "refused" : "complete";',
    to: 'return pass.isRefused ? "refused" : "complete";',
  },
  {
    name: "goes on after fires that could not be sent",
    file: DISPATCHER,
    from: "const byCallback = groupBy(unsent,",
    to: "const byCallback = groupBy(unsent.slice(1_000),",
  },
  {
    name: "stops at a queue that refuses, with all callbacks",
    file: DISPATCHER,
    from: "else if (!behind.has(error.callback)) behind.set(error.callback, passOf(pass.progress, error.callback));",
    to: "else throw error;",
  },
  {
    name: "begins the own pass of a callback after the page that its queue refused",
    file: DISPATCHER,
    from: "behind.set(error.callback, passOf(pass.progress, error.callback));",
    to: "behind.set(error.callback, passOf({ cursor: window.after, position: oldest.end ?? { range: 'none' } }, error.callback));",
  },
  {
    name: "forgets which callbacks are behind",
    file: DISPATCHER,
    from: "...(behind.size > 0 && { behind: late }) };",
    to: "...(behind.size > 100 && { behind: late }) };",
  },
  {
    name: "takes a callback back before it has caught up",
    file: DISPATCHER,
    from: "if (pass.progress.cursor === main.progress.cursor && main.progress.position === undefined)",
    to: 'if (outcome === "done")',
  },
  {
    name: "advances the rows of a queue that refuses",
    file: DISPATCHER,
    from: "!refused.has(options?.callback ?? DEFAULT_CALLBACK)",
    to: "!refused.has(options?.callback ?? DEFAULT_CALLBACK) || true",
  },
  {
    name: "goes on after a queue has refused again",
    file: DISPATCHER,
    from: "if (pass.callback !== undefined) pass.isRefused = true;",
    to: "if (pass.callback !== undefined) continue;",
  },
  {
    name: "never tries a queue that refuses again",
    file: DISPATCHER,
    from: "const retried = [...behind];",
    to: "const retried = [...behind].slice(0, 0);",
  },
  {
    name: "passes by the fires of callbacks that are behind as its own",
    file: DISPATCHER,
    from: ": callback === pass.callback;",
    to: ": callback !== pass.callback;",
  },
  {
    name: "moves a row out of a slot without the horizon",
    file: DISPATCHER,
    from: ": Math.max(enqueueRecurringUntil(window), ports.clock.now() + HORIZON_MS);",
    to: ": window.until;",
  },
  {
    name: "trusts the index for recurring rows",
    file: DISPATCHER,
    from: "const { timers, corrupt } = await ports.table.getMany(included);",
    to: "const { timers, corrupt } = page;",
  },
  {
    name: "enqueues fires that a PUT is enqueueing",
    file: DISPATCHER,
    from: "!isBeingPut(timer, now) && scheduledTimes",
    to: "(now > 0 || isBeingPut(timer, now)) && scheduledTimes",
  },
  {
    name: "never enqueues the fires of a PUT that died",
    file: FIRE_TIMES,
    from: "return isUnenqueued(timer) && now < timer.putAt + PUT_GRACE_MS;",
    to: "return isUnenqueued(timer) && now < Infinity;",
  },
  {
    name: "advances recurring rows before it sends their fires",
    file: DISPATCHER,
    from: "return sendAndAdvance(fires, advances, context);\n}",
    to: "await ports.table.advance(advances);\n  return send(fires, context);\n}",
  },
  {
    name: "resumes a window after the range of its position",
    file: DISPATCHER,
    from: "let next = Math.max(0, resumed ?? 0);",
    to: "let next = resumed === undefined ? 0 : resumed + 1;",
  },
  {
    name: "resumes a page key in the wrong range",
    file: DISPATCHER,
    from: "next === resumed ? position?.after : undefined",
    to: "position?.after",
  },
  {
    name: "omits the last range of a window",
    file: DISPATCHER,
    from: "const ranges = slotRanges(shard, window);",
    to: "const ranges = slotRanges(shard, window).slice(0, -8);",
  },
  {
    name: "ignores fires after the PUT's that the index shows late",
    file: DISPATCHER,
    from: "const after = Math.max(window.after, timer.enqueuedUntil);",
    to: "const after = Math.max(window.after + 1_000, timer.enqueuedUntil);",
  },
  {
    name: "keeps a cron timer in its place when the offset of its time zone changes",
    file: DISPATCHER,
    from: "return phase < from || phase > to;",
    to: "return false;",
  },
  {
    name: "counts the fires of a timer on the timing wheel",
    file: FIRE_TIMES,
    from: "(firesLeft !== undefined || wheelPeriod(schedule) === undefined)",
    to: "wheelPeriod(schedule) === undefined",
  },
  {
    name: "dispatches no shard that was added",
    file: SHARDS,
    from: "const cursors = await index.cursors(shards);",
    to: "const cursors = await index.cursors(shards.slice(0, 1));",
  },
  {
    name: "forgets a shard whose turn has ended",
    file: SHARDS,
    from: "const share = ((end - clock.now()) * concurrency) / (queue.length + concurrency);",
    to: "if (queue.length > 0) continue;\n      const share = 0;",
  },

  // --- windows and slots ---
  {
    name: "reads overdue rows with a lower bound",
    file: WINDOWS,
    from: "{ slot: overdueSlot(shard), recurring: true, to: until },",
    to: "{ slot: overdueSlot(shard), recurring: true, from: after - 60_000, to: until },",
  },
  {
    name: "does not read overdue rows",
    file: WINDOWS,
    from: "{ slot: overdueSlot(shard), recurring: true, to: until },",
    to: "",
  },
  {
    name: "misses the end of a period",
    file: WINDOWS,
    from: "{ slot, recurring: false, from, to: period - 1 },",
    to: "",
  },
  {
    name: "misses the first millisecond of a window",
    file: WINDOWS,
    from: "from: after + 1, to: until },",
    to: "from: after + 2, to: until },",
  },
  {
    name: "forgets fires that are left to count",
    file: FIRE_TIMES,
    from: "const firesLeft = timer.firesLeft - times.length;",
    to: "const firesLeft = timer.firesLeft - times.length - 1;",
  },
  {
    name: "fires at the end of a timer, and after",
    file: FIRE_TIMES,
    from: "const last = Math.min(until, endOf(timer));",
    to: "const last = until;",
  },
  {
    name: "fires before the start of a timer",
    file: FIRE_TIMES,
    from: "nextDue(timer.schedule, Math.max(after, (timer.startAt ?? -Infinity) - 1));",
    to: "nextDue(timer.schedule, after);",
  },

  {
    name: "misses the beginning of a period",
    file: WINDOWS,
    from: "to: period - 1 }, { slot, recurring: false, from: 0, to });",
    to: "to: period - 1 });",
  },
  {
    name: "never fires a one-shot whose time has passed",
    file: FIRE_TIMES,
    from: 'return schedule.kind === "once" ? Math.min(putAt, schedule.at - 1) : putAt;',
    to: "return putAt;",
  },
  {
    name: "keeps a counted timer in the index after its last fire",
    file: FIRE_TIMES,
    from: "timer.enabled && timer.firesLeft !== 0 ?",
    to: "timer.enabled ?",
  },
  {
    name: "delays a fire by twice its jitter",
    file: FIRE_TIMES,
    from: "from + jitterMs(",
    to: "from + 2 * jitterMs(",
  },
  {
    name: "turns a timer at half its speed",
    file: SCHEDULE,
    from: "return period === 0 ? undefined : period;",
    to: "return period === 0 ? undefined : period * 2;",
  },
  {
    name: "forgets the last entry that failed",
    file: QUEUE,
    from: "if (pending.length === 0) return;",
    to: "if (pending.length <= 1) return;",
  },

  // --- the callback ---
  {
    name: "drops a fire by request although it is never too late for the next one",
    file: FIRE_TIMES,
    from: "if (timer.firesLeft !== undefined || isByRequest(fire)) return false;",
    to: "if (timer.firesLeft !== undefined) return false;",
  },
  {
    name: "deletes the message of a fire that another invocation has claimed",
    file: CALLBACK,
    from: 'claim.outcome === "inProgress" ? claim.until : undefined',
    to: 'claim.outcome === "inProgress" && claim.until < 0 ? claim.until : undefined',
  },
  {
    name: "releases the claim of a fire that has succeeded",
    file: CALLBACK,
    from: "await idempotency.complete(fire, owner);\n  return",
    to: "await idempotency.release(fire, owner);\n  return",
  },
  {
    name: "completes a fire that has failed",
    file: CALLBACK,
    from: "await idempotency.release(fire, owner);\n    throw error;",
    to: "await idempotency.complete(fire, owner);\n    throw error;",
  },
  {
    name: "claims a fire for ever",
    file: CALLBACK,
    from: "until: deadline + CLOCK_DIFFERENCE_MS });",
    to: "until: Infinity });",
  },
  {
    name: "has the lease of a timer for a day",
    file: CALLBACK,
    from: "const until = deadline + CLOCK_DIFFERENCE_MS;",
    to: "const until = deadline + 86_400_000;",
  },
  {
    name: "calls the callback before the due time",
    file: CALLBACK,
    from: "await sleepUntil(time, clock);",
    to: "",
  },
  {
    name: "gives up a fire after its first failure",
    file: CALLBACK,
    from: "ports.observer.failed(delivery.fire, error);",
    to: "if (delivery.receiveCount > 0) return { ...delivery, messageId: '' };",
  },
  {
    name: "treats unread rows as deleted",
    file: CALLBACK,
    from: "return Promise.all(group.map((delivery) => retryLater(delivery, error, ports)));",
    to: "return error === undefined ? group : [];",
  },
  {
    name: "completes a fire before its callback",
    file: CALLBACK,
    from: "await invoke(owner);\n  } catch",
    to: "await idempotency.complete(fire, owner);\n    await invoke(owner);\n  } catch",
  },
  {
    name: "ignores what is too late in the queue",
    file: CALLBACK,
    from: "if (isTooLate(timer, fire, clock.now())) {",
    to: "if (isTooLate(timer, fire, -Infinity)) {",
  },
  {
    name: "drops a fire when the next one is scheduled, not due",
    file: FIRE_TIMES,
    from: "if (fire.due < due && due <= now) return true;",
    to: "if (fire.due < due) return true;",
  },
  {
    name: "drops fires a second too early",
    file: FIRE_TIMES,
    from: "return now > fire.due + catchUp * SECOND_MS;",
    to: "return now > fire.due + (catchUp - 1) * SECOND_MS;",
  },
  {
    name: "drops the last fires of a counted timer",
    file: FIRE_TIMES,
    from: "if (timer.firesLeft !== undefined || isByRequest(fire)) return false;",
    to: "if (isByRequest(fire)) return false;",
  },
  {
    name: "drops fires in the dispatcher that are not too late",
    file: DISPATCHER,
    from: "!isTooLate(timer, fire, ports.clock.now())",
    to: "!isTooLate(timer, fire, ports.clock.now() + 240_000)",
  },
  {
    name: "lets fires of a timer overlap",
    file: CALLBACK,
    from: '(options.overlap === "skip" ? invokeAlone : invokeOnce)',
    to: '(options.overlap === "skip" && clock.now() < 0 ? invokeAlone : invokeOnce)',
  },
  {
    name: "skips a fire although no other one runs",
    file: CALLBACK,
    from: 'if (lease.outcome === "held" && !isSpent) {',
    to: 'if ((lease.outcome === "held" && !isSpent) || owner.endsWith("7")) {',
  },
  {
    name: "releases the lease of a timer before its callback has ended",
    file: CALLBACK,
    from: "result = await invokeOnce(",
    to: "await running.end(fire, owner);\n    result = await invokeOnce(",
  },
  {
    name: "never releases the lease of a timer",
    file: CALLBACK,
    from: "await running.end(fire, owner).catch(() => undefined);",
    to: "",
  },
  {
    name: "keeps the lease of a fire that has failed",
    file: CALLBACK,
    from: "const isReleased = await running.end(fire, owner).then(",
    to: "const isReleased = await Promise.resolve(undefined as Lease | undefined).then(",
  },
  {
    name: "gives up a fire that has failed before its lease is released",
    file: CALLBACK,
    from: "() => false,\n    );",
    to: "() => true,\n    );",
  },
  {
    name: "takes the lease of an earlier attempt for another message",
    file: CALLBACK,
    from: "isOwnerOf(delivery, lease) ? lease.until : undefined",
    to: "lease.until < 0 ? lease.until : undefined",
  },
  {
    name: "has one owner for all deliveries of a message",
    file: CALLBACK,
    from: "return `${owner}.${messageId}`;",
    to: "return `${owner.slice(0, 0)}.${messageId}`;",
  },
  {
    name: "retries a fire that is too old",
    file: CALLBACK,
    from: "const isTooOld = receiveCount > 1 &&",
    to: "const isTooOld = receiveCount > 1_000 &&",
  },
  {
    name: "attempts a fire once too often",
    file: CALLBACK,
    from: "return maxAttempts;",
    to: "return maxAttempts + 1;",
  },
  {
    name: "ignores attempts that ended without a response",
    file: CALLBACK,
    from: "const isSpent = receiveCount > maxAttemptsOf(options) ||",
    to: "const isSpent =",
  },
  {
    name: "gives up a second message of a fire that has succeeded",
    file: CALLBACK,
    from: "const isSpent = receiveCount > maxAttemptsOf(options) || isTooOld;",
    to:
      "const isSpent = receiveCount > maxAttemptsOf(options) || isTooOld;\n" +
      '  if (isSpent) return retryOrGiveUp(delivery, new Error("earlier attempts did not end"), options, ports);',
  },
  {
    name: "gives up a fire without the dead letters",
    file: CALLBACK,
    from: "await ports.sendToDeadLetters(delivery);",
    to: "",
  },
  {
    name: "counts a fire as dead although it could not be sent there",
    file: CALLBACK,
    from: 'return { redeliveries: [await retryLater(delivery, error, ports)], outcome: "failed" };\n  }\n  ports.observer.failed',
    to: "// Lost.\n  }\n  ports.observer.failed",
  },
  {
    name: "gives up at the first failure of an old fire",
    file: CALLBACK,
    from: "{ maxAgeSeconds = Infinity }: TimerOptions): number",
    to: "{ maxAgeSeconds = 1 }: TimerOptions): number",
  },
  {
    name: "records nothing",
    file: CALLBACK,
    from: "if (observed.length > 0) await ports.record(observed);",
    to: "",
  },
  {
    name: "sends batches of several callbacks to the queue of one",
    file: QUEUE,
    from: "const last = open.get(fire.callback);",
    to: "const last = [...open.values()].at(-1);",
  },
  {
    name: "forgets the callback of a timer",
    file: FIRE_TIMES,
    from: "return { kind, id, version, shard, due, fireId, data, ...(callback !== undefined && { callback }) };\n}\n\n/** Exclusive lower bound",
    to: "return { kind, id, version, shard, due, fireId, data };\n}\n\n/** Exclusive lower bound",
  },
  {
    name: "fences fires by request of paused timers",
    file: CALLBACK,
    from: "!(timer.enabled || isByRequest(fire))",
    to: "!timer.enabled",
  },
];
