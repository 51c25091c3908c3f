/** The processor time of a synchronous call: unlike time on the clock, it does not grow because other tests run. */
export function measured<Result>(work: () => Result): { readonly result: Result; readonly cpuMs: number } {
  const start = process.cpuUsage();
  const result = work();
  return { result, cpuMs: process.cpuUsage(start).user / 1_000 };
}
