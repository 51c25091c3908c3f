/** Standard output and error may be closed while a command runs: `almanac timers ls | head -2`. */

const closed = new AbortController();

/** Aborted when the reader of standard output is gone. Commands that only print until stopped end then. */
export const outputClosed = closed.signal;

/** Commands that change something run to their end without output; EPIPE must not end them halfway, nor print a stack trace. */
export function tolerateClosedOutput(): void {
  for (const stream of [process.stdout, process.stderr])
    stream.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code !== "EPIPE" && error.code !== "EIO") throw error;
      if (stream === process.stdout) closed.abort();
    });
}
