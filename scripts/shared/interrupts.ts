/** Ctrl-C, `kill` and a closed terminal end a command in order: what it runs is interrupted, and its files are removed. */

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/**
 * Calls `work` with a signal that Ctrl-C and `kill` abort. Without it Node ends at once, and leaves its files and the programs that it
 * runs.
 *
 * @param line printed when the signal is aborted
 */
export async function interruptible<T>(line: string, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const interrupt = new AbortController();
  const onSignal = (name: NodeJS.Signals) => {
    if (!interrupt.signal.aborted) console.error(`\n${line}`);
    interrupt.abort(new Error(`interrupted by ${name}`));
  };
  for (const name of SIGNALS) process.on(name, onSignal);
  try {
    return await work(interrupt.signal);
  } finally {
    for (const name of SIGNALS) process.off(name, onSignal);
  }
}
