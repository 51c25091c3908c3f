import { createInterface } from "node:readline/promises";

/** Somebody has to agree, and nobody is there, or nobody does. The message says what to do. */
export class NotAgreedError extends Error {
  override readonly name = "NotAgreedError";
}

/**
 * Asks, and goes on only when the answer is the word that is asked for.
 * @throws NotAgreedError
 */
export async function ask(question: string, word: string): Promise<void> {
  if (!process.stdin.isTTY) throw new NotAgreedError("nobody is there to ask: say --yes.");
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  const answer = await terminal.question(question);
  terminal.close();
  if (answer.trim() !== word) throw new NotAgreedError("nothing was done.");
}
