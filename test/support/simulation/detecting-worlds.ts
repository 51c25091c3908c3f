/**
 * The seeds of worlds that detect a mutant, by its name: tried first, because some mutants show in one world of hundreds. A seed that no longer
 * detects its mutant costs time only: all others are tried after it.
 */
export const DETECTING_WORLDS: Readonly<Record<string, number>> = {
  "advances recurring rows before it sends their fires": 30,
  "advances recurring timers before it sends their fires": 25,
  "attempts a fire once too often": 36,
  "counts a fire as dead although it could not be sent there": 307,
  "dispatches only the first shard": 12,
  "drops a fire when the next one is scheduled, not due": 9,
  "drops the last fires of a counted timer": 103,
  "enqueues fires that a PUT is enqueueing": 135,
  "fences fires by request of paused timers": 23,
  "gives up a fire without the dead letters": 25,
  "goes on after fires that could not be sent": 30,
  "ignores attempts that ended without a response": 36,
  "ignores claims in exactly-once mode": 11,
  "ignores overdue recurring timers": 12,
  "keeps a cron timer in its place when the offset of its time zone changes": 325,
  "leaves the rest of a PUT in its normal place": 17,
  "misses the first millisecond of a window": 11,
  "never releases the lease of a timer": 416,
  "puts an overdue row in its normal place": 158,
  "reads overdue rows with a lower bound": 17,
  "resumes a page key in the wrong range": 108,
  "retries a whole batch as its first entry": 88,
  "stops a window without awaiting the pages in flight": 15,
  "treats a claim as completed": 406,
  "trusts the index for recurring rows": 305,
};
