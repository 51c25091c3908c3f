/** A worker thread that runs one world of heartbeats per message. */
import { parentPort } from "node:worker_threads";
import type { WorldRun } from "../simulation/threads";
import { runWorld } from "./world";

parentPort?.on("message", ({ seed }: WorldRun) => {
  void runWorld(seed).then((violations) => parentPort?.postMessage({ violations }));
});
