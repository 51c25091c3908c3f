/** A worker thread that runs one world per message. */
import { parentPort } from "node:worker_threads";

import { MUTANTS } from "./mutants";
import type { WorldRun } from "./threads";
import { World } from "./world";

parentPort?.on("message", ({ seed, mutant: name }: WorldRun) => {
  const mutant = MUTANTS.find((known) => known.name === name)?.mutant;
  void new World({ seed, ...(mutant && { mutant }) }).run().then((violations) => parentPort?.postMessage(violations));
});
