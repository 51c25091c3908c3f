import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { zipSync } from "fflate";
import {
  downloadedTerraform,
  downloadTerraform,
  offerTerraform,
  PINNED_TERRAFORM,
  terraformPlatform,
  type Release,
} from "../../../scripts/terraform/pinned-terraform";

const PROGRAM = process.platform === "win32" ? "terraform.exe" : "terraform";
const zip = Buffer.from(
  zipSync({ "LICENSE.txt": Buffer.from("BUSL"), [PROGRAM]: Buffer.from("#!/bin/sh\necho Terraform v1.11.4\n") }),
);
const release: Release = {
  version: "1.11.4",
  checksums: { linux_amd64: createHash("sha256").update(zip).digest("hex") },
};
const PATH = "/terraform/1.11.4/terraform_1.11.4_linux_amd64.zip";

let folder: string;
const servers: Server[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "almanac-terraform-"));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
  for (const server of servers.splice(0)) server.close().closeAllConnections();
});

/** A server with the layout of HashiCorp's releases. */
async function releasesOf(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  servers.push(server);
  await new Promise<void>((listening) => {
    server.listen(0, "127.0.0.1", listening);
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
const serving =
  (body: Buffer): RequestListener =>
  (request, response) => {
    if (request.url === PATH) response.writeHead(200, { "Content-Length": body.length }).end(body);
    else response.writeHead(404).end();
  };
const download = async (listener: RequestListener, idleTimeoutMs = 60_000) =>
  downloadTerraform({
    release,
    releases: await releasesOf(listener),
    folder,
    platform: "linux_amd64",
    idleTimeoutMs,
  });

it("pins a checksum for each platform", () => {
  expect(Object.keys(PINNED_TERRAFORM.checksums).sort()).toEqual([
    "darwin_amd64",
    "darwin_arm64",
    "linux_amd64",
    "linux_arm64",
  ]);
  for (const checksum of Object.values(PINNED_TERRAFORM.checksums)) expect(checksum).toMatch(/^[0-9a-f]{64}$/);
  expect([terraformPlatform("linux", "x64"), terraformPlatform("darwin", "arm64")]).toEqual([
    "linux_amd64",
    "darwin_arm64",
  ]);
});

it("unpacks the program of the release, to be found from then on", async () => {
  expect(downloadedTerraform({ release, folder })).toBeUndefined();
  const program = await download(serving(zip));
  expect(readFileSync(program, "utf8")).toContain("Terraform v1.11.4");
  if (process.platform !== "win32") expect(statSync(program).mode & 0o111).toBe(0o111);
  expect(downloadedTerraform({ release, folder })).toBe(program);
  // Once more, as a second command at the same time would.
  expect(await download(serving(zip))).toBe(program);
  expect(readdirSync(folder)).toEqual(["1.11.4"]);
});

const changed = Buffer.from(zip);
changed.writeUInt8(changed.readUInt8(40) ^ 1, 40);

const FAULTS: Readonly<Record<string, readonly [RequestListener, RegExp, idleTimeoutMs?: number]>> = {
  "another file": [serving(changed), /is not the release that this repository pins: its SHA-256 is [0-9a-f]{64}, not /],
  "a shorter file": [serving(zip.subarray(0, 100)), /is not the release/],
  "a download that is cut off": [
    (_, response) => {
      response.writeHead(200, { "Content-Length": zip.length }).write(zip.subarray(0, 50), () => response.destroy());
    },
    new RegExp(`was cut off after 50 of ${zip.length} bytes`),
  ],
  "a server that says nothing": [() => undefined, /sent nothing for 0\.3 s/, 300],
  "a server that falls silent": [
    (_, response) => response.writeHead(200, { "Content-Length": zip.length }).write(zip.subarray(0, 50)),
    /sent nothing for 1 s/,
    1_000,
  ],
  "a page of an error": [(_, response) => response.writeHead(503).end(), /answered with status 503/],
};

it.each(Object.entries(FAULTS))(
  "installs nothing of %s, and says why",
  async (_, [listener, sentence, idleTimeoutMs]) => {
    await expect(download(listener, idleTimeoutMs)).rejects.toThrow(sentence);
    await expect(download(listener, idleTimeoutMs)).rejects.toMatchObject({ name: "TerraformDownloadError" });
    expect(readdirSync(folder)).toEqual([]);
  },
);

it("says which server cannot be reached", async () => {
  const options = { release, releases: "http://127.0.0.1:9", folder, platform: "linux_amd64" };
  await expect(downloadTerraform(options)).rejects.toThrow(
    /^http:\/\/127\.0\.0\.1:9\/terraform\/.* could not be reached: /,
  );
});

describe("without Terraform", () => {
  const { CI } = process.env;
  const isTTY = process.stdin.isTTY;
  beforeEach(() => {
    delete process.env["CI"];
    process.stdin.isTTY = false;
    jest.spyOn(console, "error").mockImplementation(() => undefined);
  });
  afterEach(() => {
    if (CI === undefined) delete process.env["CI"];
    else process.env["CI"] = CI;
    process.stdin.isTTY = isTTY;
    jest.restoreAllMocks();
  });
  const offer = async (yes: boolean, platform = "linux_amd64") =>
    offerTerraform("Terraform is missing.", {
      ...{ release, releases: await releasesOf(serving(zip)), folder, platform, yes },
    });

  it("downloads nothing that nobody has agreed to", async () => {
    await expect(offer(false)).rejects.toThrow(
      /^Terraform is missing\. Pass --yes to download Terraform 1\.11\.4 from 127/,
    );
    expect(readdirSync(folder)).toEqual([]);
  });

  it("downloads it with --yes, and in continuous integration", async () => {
    await offer(true);
    expect(existsSync(join(folder, "1.11.4", PROGRAM))).toBe(true);
    rmSync(join(folder, "1.11.4"), { recursive: true });
    process.env["CI"] = "true";
    await offer(false);
    expect(existsSync(join(folder, "1.11.4", PROGRAM))).toBe(true);
  });

  it("says how to install it where there is no pinned one", async () => {
    await expect(offer(true, "freebsd_amd64")).rejects.toThrow(/downloads none for freebsd_amd64: /);
  });
});
