/** `npm run build`: bundles every handler and lists sizes; compiles the clients that other programs import. */
import { program } from "commander";
import { buildClients } from "./clients-package";
import { colours } from "../shared/terminal/colours";
import { EXIT } from "../shared/terminal/command-line";
import { describeError } from "../shared/terminal/errors";
import { bundleHandlers } from "../../modules/constructs/bundling/bundle";
import { handlerEntries } from "../../modules/constructs/bundling/handlers";
import { table } from "../shared/terminal/table";

program
  .name("npm run build --")
  .description(
    "Bundles every handler of functions/ into .almanac/bundles; unchanged ones are not rebuilt.\n" +
      "Compiles the clients that other programs import into the package dist/.",
  )
  .parse();

const kilobytes = (bytes: number) => `${(bytes / 1000).toFixed(1)} kB`;
const seconds = (since: number) => `${((performance.now() - since) / 1000).toFixed(1)} s`;

async function main(): Promise<void> {
  const started = performance.now();
  const bundles = await bundleHandlers(handlerEntries());
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
  console.log(`${bundles.length} handlers in ${seconds(started)}`);
  const compiling = performance.now();
  console.log(`clients in ${await buildClients()}, in ${seconds(compiling)}`);
}

main().catch((error: unknown) => {
  console.error(`npm run build: ${describeError(error)}`);
  process.exitCode = EXIT.failure;
});
