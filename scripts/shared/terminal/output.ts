/** Standard output and error may be closed while a command runs, `almanac timers ls | head -2`, or their disk may be full. */
import { EXIT } from "./command-line";
import { reasonOf } from "./file-errors";

const closed = new AbortController();

/** Aborted when the reader of standard output is gone. Commands that only print until stopped end then. */
export const outputClosed = closed.signal;

/**
 * Commands that change something run to their end without output; EPIPE must not end them halfway, nor print a stack trace. Output that is
 * lost for another reason fails the command in the end: what reads the file would take a part for the whole.
 */
export function tolerateClosedOutput(): void {
  let lost = false;
  for (const stream of [process.stdout, process.stderr])
    stream.on("error", (error: NodeJS.ErrnoException) => {
      if (stream === process.stdout) closed.abort();
      if (error.code === "EPIPE" || error.code === "EIO" || stream !== process.stdout || lost) return;
      lost = true;
      console.error(`error: standard output: ${reasonOf(error) ?? error.message}`);
      process.on("exit", () => {
        process.exitCode ||= EXIT.failure;
      });
    });
}
