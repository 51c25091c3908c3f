/** `npm run build`: bundles every handler and says what each weighs. */
import { program } from "commander";
import { colours } from "./shared/colours";
import { bundleHandlers, handlerEntries } from "../modules/constructs/bundle";
import { table } from "./shared/table";

program
  .name("npm run build --")
  .description("Bundles every handler of functions/ into .almanac/bundles; what has not changed is not built again.")
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
console.log(`${bundles.length} handlers in ${((performance.now() - started) / 1000).toFixed(1)} s`);
