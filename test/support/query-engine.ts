/** A query engine over files: DuckDB, in memory. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { DuckDBInstance, type Json } from "@duckdb/node-api";

let engine: Promise<DuckDBInstance> | undefined;

/**
 * @param sqlOf makes a query from a list of files: `['/tmp/0', '/tmp/1']`
 * @returns its rows, with big numbers, decimals and dates as text
 */
export async function queryFiles(
  contents: readonly Buffer[],
  sqlOf: (files: string) => string,
): Promise<readonly Readonly<Record<string, Json>>[]> {
  const directory = mkdtempSync(join(tmpdir(), "almanac-query-"));
  try {
    const files = contents.map((content, index) => {
      const file = join(directory, String(index));
      writeFileSync(file, content);
      return file;
    });
    engine ??= DuckDBInstance.create(":memory:", { threads: "1" });
    const connection = await (await engine).connect();
    try {
      const result = await connection.runAndReadAll(sqlOf(`['${files.join("', '")}']`));
      return result.getRowObjectsJson();
    } finally {
      connection.closeSync();
    }
  } finally {
    rmSync(directory, { recursive: true });
  }
}
