/** A worker thread that runs worlds of workflows. */
import { runWorlds } from "../simulation/run-worlds";
import { runWorld } from "./world";

runWorlds(async ({ seed }) => ({ violations: await runWorld(seed) }));
