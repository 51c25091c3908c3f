/** Source maps of bundles, without dependencies: two thirds of a zip, and most of the time that esbuild and we take for maps. */
import { statSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { decode, encode, type SourceMapSegment } from "@jridgewell/sourcemap-codec";
import type { Plugin } from "esbuild";
import * as z from "zod";

const sourceMapSchema = z.object({ sources: z.array(z.string()), mappings: z.string() });

/** A map with one position. esbuild maps what a file's own map knows only: of a dependency with this one, next to nothing. */
const STUB = `\n//# sourceMappingURL=data:application/json;base64,${Buffer.from(
  JSON.stringify({ version: 3, sources: [""], mappings: "AAAA" }),
).toString("base64")}`;

/** Files of dependencies with their stubs, by path. esbuild asks for all of them again in each build of a changed handler. */
const stubbed = new Map<string, { readonly stamp: string; readonly contents: Uint8Array }>();

/** Gives each file of a dependency a map of its own. The code stays the same. */
export const stubMaps: Plugin = {
  name: "stub-maps",
  setup: (build) => {
    build.onLoad({ filter: /[\\/]node_modules[\\/].*\.[cm]?js$/ }, async ({ path }) => {
      const { mtimeMs, size } = statSync(path);
      const stamp = `${mtimeMs} ${size}`;
      const known = stubbed.get(path);
      if (known?.stamp === stamp) return { contents: known.contents, loader: "js" };
      const contents = Buffer.from(`${await readFile(path, "utf8")}${STUB}`);
      stubbed.set(path, { stamp, contents });
      return { contents, loader: "js" };
    });
  },
};

/** Leaves our own files in a bundle's source map. Stack frames of dependencies then show their position in the bundle. */
export function ownSourcesOnly(sourceMap: string): string {
  const { sources, mappings } = sourceMapSchema.parse(JSON.parse(sourceMap));
  const own = sources.filter((source) => !source.includes("node_modules/"));
  const newIndex = new Map(own.map((source, index) => [sources.indexOf(source), index]));

  const lines = decode(mappings).map((segments) => {
    const kept: SourceMapSegment[] = [];
    let last: number | undefined;
    // A segment without a source ends the previous one, right behind it: what follows may be of a dependency.
    const end = () => {
      const column = kept.at(-1)?.[0];
      if (column !== undefined && last !== undefined) kept.push([column + 1]);
      last = undefined;
    };
    for (const [column, source, line, sourceColumn] of segments) {
      const index = source === undefined ? undefined : newIndex.get(source);
      if (index !== last) end();
      if (index !== undefined) kept.push([column, index, line ?? 0, sourceColumn ?? 0]);
      last = index;
    }
    end();
    return kept;
  });
  return JSON.stringify({ version: 3, sources: own, names: [], mappings: encode(lines) });
}
