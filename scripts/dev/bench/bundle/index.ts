/** Benchmark: size and load time of the functions' bundles. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { buildSync } from "esbuild";
import { unzipSync, zipSync } from "fflate";
import { bundleHandlers } from "../../../../modules/constructs/bundling/bundle";
import { handlerEntries } from "../../../../modules/constructs/bundling/handlers";
import { BUNDLE_OPTIONS } from "../../../../modules/constructs/bundling/options";
import { ownEnvironment, commandOutput } from "../../../shared/run-command";
import { figure, figureAtMost, median, type Figure } from "../figure";

/** Fresh processes for each load time: enough for a steady median. */
const LOADS = 15;

/** Says in a fresh process how many milliseconds the module in argv took to load. */
const LOAD = "const began = performance.now(); require(process.argv[1]); console.log(performance.now() - began);";

/** Every handler as it is deployed; and beside it, the same handler with the whole of AWS SDK v2 for its clients. */
export async function benchBundle(): Promise<readonly Figure[]> {
  const folder = mkdtempSync(join(tmpdir(), "almanac-bench-"));
  try {
    const deployed = (await bundleHandlers(handlerEntries())).map(({ zipFile, zipBytes }, index) => {
      const file = join(folder, `deployed-${index}`, "index.js");
      writeUnzipped(zipFile, file);
      return { file, zipBytes };
    });
    const baseline = handlerEntries().map((entry, index) => {
      const file = join(folder, `baseline-${index}.js`);
      return { file, zipBytes: bundleWithSdk2(entry, file) };
    });
    const kilobytes = (bundles: readonly { zipBytes: number }[]) =>
      Math.max(...bundles.map(({ zipBytes }) => zipBytes)) / 1000;
    const slowest = async (bundles: readonly { file: string }[]) => {
      const loads: number[] = [];
      for (const { file } of bundles) loads.push(await medianLoad(file));
      return Math.max(...loads);
    };
    return [
      figure("handlers", deployed.length, ""),
      figureAtMost("zip_kb_max", kilobytes(deployed), "kB", 400),
      figureAtMost("load_ms_max", await slowest(deployed), "ms", 120),
      figure("sdk_v2_zip_kb_max", kilobytes(baseline), "kB"),
      figure("sdk_v2_load_ms_max", await slowest(baseline), "ms"),
    ];
  } finally {
    rmSync(folder, { recursive: true });
  }
}

export function writeUnzipped(zipFile: string, file: string): void {
  mkdirSync(dirname(file), { recursive: true });
  for (const [name, content] of Object.entries(unzipSync(readFileSync(zipFile)))) {
    writeFileSync(join(dirname(file), name), content);
  }
}

/** @returns the bytes of its zip, without a source map */
function bundleWithSdk2(entry: string, outfile: string): number {
  const sdk2 = "./scripts/dev/bench/bundle/sdk-v2.cjs";
  buildSync({
    ...BUNDLE_OPTIONS,
    sourcemap: false,
    entryPoints: [entry],
    outfile,
    alias: Object.fromEntries(["dynamodb", "s3", "sns", "ssm"].map((service) => [`@aws-sdk/client-${service}`, sdk2])),
  });
  return zipSync({ "index.js": readFileSync(outfile) }, { level: 9 }).length;
}

/** In milliseconds, with the Node options that deployed functions have. */
export async function medianLoad(file: string): Promise<number> {
  const env = { ...ownEnvironment(), NODE_OPTIONS: "--enable-source-maps" };
  const loads: number[] = [];
  for (let load = 0; load < LOADS; load += 1) {
    loads.push(Number(await commandOutput(process.execPath, ["-e", LOAD, file], { env })));
  }
  return median(loads);
}
