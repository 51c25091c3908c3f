/** `npm run build`: bundles every handler and lists sizes; compiles the clients that other programs import. */
import { program } from "commander";
import { buildClients } from "./clients-package";
import { colours } from "../shared/terminal/colours";
import { EXIT } from "../shared/terminal/command-line";
import { describeError } from "../shared/terminal/errors";
import { bundleHandlers, handlerEntries } from "../../modules/constructs/bundling/bundle";
import { table } from "../shared/terminal/table";

program
  .name("npm run build --")
  .description(
    "Bundles every handler of functions/ into .almanac/bundles; unchanged ones are not rebuilt.\n" +
      "Compiles the clients that other programs import into the package dist/.",
  )
  .parse();

const started = performance.now();
const bundles = bundleHandlers(handlerEntries());
const kilobytes = (bytes: number) => `${(bytes / 1000).toFixed(1)} kB`;

console.log(
  table(
    ["handler", "bundle", "zip", ""],
    bundles.map(({ entry, bundleBytes, zipBytes, rebuilt }) => [
      entry,
      kilobytes(bundleBytes),
      kilobytes(zipBytes),
      rebuilt ? "built" : colours.dim("unchanged"),
    ]),
  ),
);
const seconds = (since: number) => `${((performance.now() - since) / 1000).toFixed(1)} s`;
console.log(`${bundles.length} handlers in ${seconds(started)}`);

const compiling = performance.now();
buildClients().then(
  (folder) => {
    console.log(`clients in ${folder}, in ${seconds(compiling)}`);
  },
  (error: unknown) => {
    console.error(`npm run build: ${describeError(error)}`);
    process.exitCode = EXIT.failure;
  },
);
