/** Asks for a confirmation on the terminal. */
import { createInterface } from "node:readline/promises";

/** The command needs a confirmation and did not get it. The message says what to do. */
export class ConfirmationRequiredError extends Error {
  override readonly name = "ConfirmationRequiredError";
}

/**
 * Resolves when the answer at the terminal is the expected word.
 * @throws ConfirmationRequiredError
 */
export async function confirm(question: string, expected: string, signal?: AbortSignal): Promise<void> {
  if (!process.stdin.isTTY) throw new ConfirmationRequiredError("Not a terminal. Pass --yes to skip the confirmation.");
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  // Ctrl-C and Ctrl-D are answers too.
  const answer = await terminal.question(question, { ...(signal && { signal }) }).catch(() => "");
  terminal.close();
  if (answer.trim() !== expected) throw new ConfirmationRequiredError("Not confirmed: nothing was changed.");
}
