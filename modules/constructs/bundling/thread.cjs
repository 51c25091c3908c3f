// Bundles handlers in a thread of its own. Plain JavaScript: a thread has no compiler of TypeScript before it has loaded one.
const { workerData } = require("node:worker_threads");

const { entries, done, failure } = workerData;
try {
  require("tsx/cjs");
  require("./bundle").bundleHandlers(entries);
} catch (error) {
  failure.postMessage(error instanceof Error ? error.message : String(error));
} finally {
  Atomics.store(done, 0, 1);
  Atomics.notify(done, 0);
}
