/** How commands reach the console that `npm start` runs: a key in a file that only its owner can read buys addresses for one visit. */
import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import * as z from "zod";
import { parseJson } from "./fields";

const keySchema = z.object({ port: z.int().positive(), key: z.string() });
export type ConsoleKey = z.output<typeof keySchema>;

/** @param folder the home of `npm start` */
export function consoleKeyFile(folder: string): string {
  return join(folder, "console.key");
}

export async function writeConsoleKey(file: string, key: ConsoleKey): Promise<void> {
  // A file that exists would keep its mode.
  await rm(file, { force: true });
  await writeFile(file, JSON.stringify(key), { mode: 0o600, flag: "wx" });
}

/** @returns an address for one visit; undefined: no console runs there */
export async function requestConsoleAddress(file: string): Promise<string | undefined> {
  const text = await readFile(file, "utf8").catch(() => "");
  const key = keySchema.safeParse(parseJson(text)).data;
  if (key === undefined) return undefined;
  const headers = { Authorization: `Bearer ${key.key}` };
  const url = `http://127.0.0.1:${key.port}/api/token`;
  const response = await fetch(url, { method: "POST", headers }).catch(() => undefined);
  if (response?.ok !== true) return undefined;
  return z.object({ address: z.string() }).parse(await response.json()).address;
}
