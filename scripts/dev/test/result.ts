/** What a step of `npm test` found. */
export interface StepResult {
  readonly step: string;
  readonly passed: number;
  readonly failed: number;
  readonly seconds: number;
  readonly failures: readonly Failure[];
}

/** A check or a test file that failed. */
export interface Failure {
  readonly what: string;
  /** The tool's own text. */
  readonly details: string;
  /** The command that repeats it without the rest. */
  readonly rerun: string;
}

/** Runs the work and measures it. */
export async function timed<T>(work: () => Promise<T>): Promise<T & { readonly seconds: number }> {
  const begin = performance.now();
  const result = await work();
  return { ...result, seconds: (performance.now() - begin) / 1000 };
}
