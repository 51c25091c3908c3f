/** A thread that lives through worlds as it is told, one at a time. What it throws ends it. */
import { parentPort } from "node:worker_threads";

import { MUTANTS } from "./mutants";
import type { Life } from "./threads";
import { World } from "./world";

parentPort?.on("message", ({ seed, mutant: name }: Life) => {
  const mutant = MUTANTS.find((known) => known.name === name)?.mutant;
  void new World({ seed, ...(mutant && { mutant }) }).run().then((violations) => parentPort?.postMessage(violations));
});
