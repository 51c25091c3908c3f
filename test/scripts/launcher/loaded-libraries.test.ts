/** What each command loads when it starts: a library that few commands use must wait until one needs it. */
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import * as z from "zod";

const CLI = ".almanac/cli";

function compiled(): ReadonlyMap<string, string> {
  execFileSync(process.execPath, ["scripts/launcher/almanac.mjs", "--version"]);
  const { folder } = z
    .object({ folder: z.string() })
    .parse(JSON.parse(readFileSync(join(CLI, "manifest.json"), "utf8")));
  const files = readdirSync(join(CLI, folder)).filter((name) => name.endsWith(".js"));
  return new Map(files.map((name) => [name, readFileSync(join(CLI, folder, name), "utf8")]));
}

test("undici, 750 kB, is loaded when Terraform is downloaded, and by no command at its start", () => {
  const files = compiled();
  const owners = [...files.keys()].filter((name) => files.get(name)?.includes("node_modules/undici/index.js"));
  expect(owners).toEqual([expect.stringMatching(/^undici-/)]);
  const importers = [...files].filter(([, text]) => owners.some((owner) => text.includes(`from"./${owner}"`)));
  expect(importers.map(([name]) => name)).toEqual([]);
});

test("zod has no messages in other languages, 430 kB: it is imported as * everywhere, because bundlers keep all of { z }", () => {
  expect([...compiled()].filter(([, text]) => text.includes("Ungültige Eingabe"))).toEqual([]);
});
