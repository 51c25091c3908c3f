import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as z from "zod";
import { bundleHandlers } from "../../../../modules/constructs/bundling/bundle";
import { packagesIn } from "../../../../modules/constructs/bundling/cache";
import { LicenceError, attributionOf } from "../../../../modules/constructs/bundling/attribution";

const folder = mkdtempSync(join(tmpdir(), "almanac-attribution-"));
afterAll(() => {
  rmSync(folder, { recursive: true });
});

function packageWith(name: string, licence: string | undefined, text?: string): string {
  const path = join(folder, name);
  mkdirSync(path, { recursive: true });
  writeFileSync(join(path, "package.json"), JSON.stringify({ name, version: "1.2.3", license: licence }));
  if (text !== undefined) writeFileSync(join(path, "LICENSE.md"), text);
  return path;
}

describe("the notice of a module", () => {
  it("has every package that esbuild has put into its zips", async () => {
    const [bundle] = await bundleHandlers(["functions/heartbeats/check.ts"], {
      cacheDirectory: join(folder, "bundles"),
    });
    const packages = packagesIn(bundle?.zipFile ?? "");
    expect(packages).toEqual(expect.arrayContaining(["node_modules/zod", "node_modules/@aws-sdk/client-dynamodb"]));
    const attribution = attributionOf(packages);
    for (const path of packages) {
      const { name, version } = z
        .object({ name: z.string(), version: z.string() })
        .parse(JSON.parse(readFileSync(join(path, "package.json"), "utf8")));
      expect(attribution).toContain(`${name} ${version} (`);
    }
    expect(attribution).toContain("Permission is hereby granted");
  });

  it("has each text once, with the packages that it is for", () => {
    const paths = [packageWith("b", "MIT", "Text"), packageWith("a", "MIT", "Text\r\n"), packageWith("c", "ISC")];
    const [, first, second] = attributionOf([...paths, ...paths]).split("-".repeat(80));
    expect(first?.trim()).toBe("a 1.2.3 (MIT)\nb 1.2.3 (MIT)\n\nText");
    expect(second?.trim()).toBe("c 1.2.3 (ISC)\n\nISC. The package contains no text of it.");
  });

  it.each([["AGPL-3.0-only"], ["GPL-3.0"], ["SSPL-1.0"], ["MIT OR GPL-2.0"], [undefined]])(
    "cannot be written for %s: it is not shipped",
    (licence) => {
      expect(() => attributionOf([packageWith("copyleft", licence, "Text")])).toThrow(LicenceError);
    },
  );
});

it("every production dependency has a licence that was looked at", () => {
  const lock = z
    .object({
      packages: z.record(
        z.string(),
        z.object({
          dev: z.boolean().default(false),
          devOptional: z.boolean().default(false),
          // The folder that it leads to has an entry of its own.
          link: z.boolean().default(false),
          license: z.string().optional(),
        }),
      ),
    })
    .parse(JSON.parse(readFileSync("package-lock.json", "utf8")));
  const licences = Object.entries(lock.packages)
    .filter(([path, { dev, devOptional, link }]) => path !== "" && !dev && !devOptional && !link)
    .map(([, { license }]) => license ?? "none");
  // MPL-2.0 and Public Domain: cdktf and what it contains, which runs at synthesis and is shipped with nothing.
  expect([...new Set(licences)].sort()).toEqual(
    ["0BSD", "Apache-2.0", "BSD-3-Clause", "BlueOak-1.0.0", "ISC", "MIT", "MIT-0", "MPL-2.0", "Public Domain"].sort(),
  );
});
