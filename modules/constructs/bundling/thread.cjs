// Bundles handlers in a thread of its own. Plain JavaScript: a thread has no compiler of TypeScript before it has loaded one.
const { parentPort, workerData } = require("node:worker_threads");

const { done, failures } = workerData;

// Of esbuild, which this thread starts: a tenth of its processor time is its garbage collector's.
process.env.GOGC ??= "400";

async function bundle(entries) {
  require("tsx/cjs");
  await require("./bundle").bundleHandlers(entries);
}

parentPort.on("message", ({ batch, entries }) => {
  bundle(entries)
    .catch((error) => {
      failures.postMessage({ batch, message: error instanceof Error ? error.message : String(error) });
    })
    .finally(() => {
      Atomics.add(done, 0, 1);
      Atomics.notify(done, 0);
    });
});
