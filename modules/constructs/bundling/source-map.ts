/** Source maps of bundles, without dependencies. */
import { decode, encode, type SourceMapSegment } from "@jridgewell/sourcemap-codec";
import * as z from "zod";

const sourceMapSchema = z.object({ sources: z.array(z.string()), mappings: z.string() });

/**
 * Removes dependencies from a bundle's source map, which are two thirds of a zip. Stack frames of dependencies then show their
 * position in the bundle.
 */
export function ownSourcesOnly(sourceMap: string): string {
  const { sources, mappings } = sourceMapSchema.parse(JSON.parse(sourceMap));
  const own = sources.filter((source) => !source.includes("node_modules/"));
  const newIndex = new Map(own.map((source, index) => [sources.indexOf(source), index]));

  const lines = decode(mappings).map((segments) => {
    const kept: SourceMapSegment[] = [];
    for (const [column, source, line, sourceColumn] of segments) {
      const index = source === undefined ? undefined : newIndex.get(source);
      if (index !== undefined) kept.push([column, index, line ?? 0, sourceColumn ?? 0]);
      // A segment without a source ends the previous one. More than one in a row are redundant.
      else if (kept.at(-1)?.length !== 1) kept.push([column]);
    }
    return kept;
  });
  return JSON.stringify({ version: 3, sources: own, names: [], mappings: encode(lines) });
}
