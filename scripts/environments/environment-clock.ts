/**
 * A command works in the time of its environment. The clock of `local` can be moved: "the last hour", the day of an export and the time of a
 * row that a command writes are of that clock, as those of functions are (server/function-clock.cjs).
 */
import { readClock } from "../emulator/clock";

const RealDate = Date;
let aheadMs = 0;

/** Moves this process's clock to that of an emulator. One that is not ours has the machine's time. */
export async function followClock(endpoint: string): Promise<void> {
  const read = await readClock(endpoint).catch(() => undefined);
  setAhead(read?.offsetMs ?? 0);
}

/** @param milliseconds by how much Date is ahead of the machine's clock; performance.now and timers stay as they are */
export function setAhead(milliseconds: number): void {
  aheadMs = milliseconds;
  globalThis.Date = milliseconds === 0 ? RealDate : MovedDate;
}

const now = () => Math.floor(RealDate.now() + aheadMs);

const MovedDate = new Proxy(RealDate, {
  construct: (target, args: readonly unknown[], self) =>
    Reflect.construct(target, args.length === 0 ? [now()] : args, self) as Date,
  apply: () => new RealDate(now()).toString(),
  get: (target, name) => (name === "now" ? now : (Reflect.get(target, name) as unknown)),
});
