/** Downloads one pinned release of Terraform into this folder, for machines that have none. */
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, rename, rm, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { unzipSync } from "fflate";
import { confirm } from "../shared/terminal/confirm";

export interface Release {
  readonly version: string;
  /** SHA-256 of the zip by platform, as in the release's SHA256SUMS. */
  readonly checksums: Readonly<Record<string, string>>;
}

/** To take a newer release: its number, and the lines of terraform_<version>_SHA256SUMS, whose signature HashiCorp's key verifies. */
export const PINNED_TERRAFORM: Release = {
  version: "1.11.4",
  checksums: {
    darwin_amd64: "a56d5002b9f7647291faccc3dd1a70350e60fb61e4c45037629508b8fdc2575b",
    darwin_arm64: "867e0808fa971217043e25b7a792b10720c79b1546f8a68479b74f138be73e18",
    linux_amd64: "1ce994251c00281d6845f0f268637ba50c0005657eb3cf096b92f753b42ef4dc",
    linux_arm64: "a43d1d0da9b9bab214a8305a39db0e40869572594ccf50c416a7756499143633",
  },
};

const RELEASES = "https://releases.hashicorp.com";
/** Relative to the project. */
const FOLDER = ".almanac/terraform";
const PROGRAM = process.platform === "win32" ? "terraform.exe" : "terraform";
const IDLE_TIMEOUT_MS = 30_000;
/** Limits memory: a release has 30 MB. */
const MOST_BYTES = 200_000_000;

/** Terraform could not be downloaded. The message is a sentence with the reason. */
export class TerraformDownloadError extends Error {
  override readonly name = "TerraformDownloadError";
}

export interface DownloadOptions {
  /** @default {@link PINNED_TERRAFORM} */
  readonly release?: Release;
  /** A server with the layout of HashiCorp's. @default ALMANAC_TERRAFORM_RELEASES, else HashiCorp's */
  readonly releases?: string;
  /** @default .almanac/terraform */
  readonly folder?: string;
  /** As HashiCorp names it: linux_amd64. @default this machine's */
  readonly platform?: string;
  /** How long the server may send nothing. @default 30 s */
  readonly idleTimeoutMs?: number;
  readonly signal?: AbortSignal;
}

/** `linux_amd64` */
export function terraformPlatform(platform: string = process.platform, arch: string = process.arch): string {
  return `${platform === "win32" ? "windows" : platform}_${arch === "x64" ? "amd64" : arch}`;
}

/** The program of the pinned release, if it was downloaded. */
export function downloadedTerraform({ release = PINNED_TERRAFORM, folder = FOLDER }: DownloadOptions = {}):
  | string
  | undefined {
  const program = resolve(folder, release.version, PROGRAM);
  return existsSync(program) ? program : undefined;
}

/**
 * Downloads the pinned release after a confirmation. CI=true confirms, too.
 * @throws ConfirmationRequiredError, TerraformDownloadError
 */
export async function offerTerraform(
  problem: string,
  { yes, ...options }: DownloadOptions & { readonly yes: boolean },
): Promise<void> {
  const { release = PINNED_TERRAFORM, platform = terraformPlatform() } = options;
  if (release.checksums[platform] === undefined)
    throw new TerraformDownloadError(`${problem} Almanac downloads none for ${platform}: ${howToInstall()}`);
  const { host } = new URL(serverOf(options));
  const what = `Terraform ${release.version} from ${host} into ${options.folder ?? FOLDER}, 30 MB`;
  if (!yes && process.env["CI"] !== "true") {
    if (!process.stdin.isTTY)
      throw new TerraformDownloadError(`${problem} Pass --yes to download ${what}. Or install it: ${howToInstall()}`);
    await confirm(`${problem} Download ${what}? Type yes: `, "yes");
  }
  console.error(`Downloading ${what} ...`);
  await downloadTerraform(options);
}

function howToInstall(): string {
  if (process.platform === "win32") return "winget install Hashicorp.Terraform";
  return "https://developer.hashicorp.com/terraform/install";
}

const serverOf = ({ releases }: DownloadOptions) => releases ?? (process.env["ALMANAC_TERRAFORM_RELEASES"] || RELEASES);

/**
 * Downloads the release, verifies its checksum, and unpacks its program.
 * @returns the program
 * @throws TerraformDownloadError
 */
export async function downloadTerraform(options: DownloadOptions = {}): Promise<string> {
  const { release = PINNED_TERRAFORM, folder = FOLDER, platform = terraformPlatform() } = options;
  const name = `terraform_${release.version}_${platform}.zip`;
  const url = `${serverOf(options).replace(/\/$/, "")}/terraform/${release.version}/${name}`;
  const zip = await download(url, options);
  const checksum = createHash("sha256").update(zip).digest("hex");
  if (checksum !== release.checksums[platform])
    throw new TerraformDownloadError(
      `${url} is not the release that this repository pins: its SHA-256 is ${checksum}, not ${release.checksums[platform] ?? "known"}. Nothing was installed.`,
    );
  const program = unzipSync(zip, { filter: (file) => file.name === PROGRAM })[PROGRAM];
  if (program === undefined) throw new TerraformDownloadError(`${url} has no ${PROGRAM} in it.`);
  const target = resolve(folder, release.version);
  // Made beside its place: two commands may install at once, and either may be interrupted.
  const unfinished = `${target}.${process.pid}`;
  try {
    await mkdir(unfinished, { recursive: true });
    await writeFile(join(unfinished, PROGRAM), program, { mode: 0o755 });
    if (!existsSync(join(target, PROGRAM))) await rename(unfinished, target);
  } finally {
    await rm(unfinished, { recursive: true, force: true });
  }
  return join(target, PROGRAM);
}

/** @throws TerraformDownloadError */
async function download(url: string, { idleTimeoutMs = IDLE_TIMEOUT_MS, signal }: DownloadOptions): Promise<Buffer> {
  const idle = new AbortController();
  const timer = setTimeout(() => {
    idle.abort();
  }, idleTimeoutMs);
  const chunks: Uint8Array[] = [];
  let [received, expected] = [0, 0];
  try {
    // 750 kB: loaded when Terraform is downloaded, not by each command.
    const { EnvHttpProxyAgent, fetch } = await import("undici");
    const response = await fetch(url, {
      // Companies often reach other servers through a proxy only.
      dispatcher: new EnvHttpProxyAgent(),
      signal: AbortSignal.any([idle.signal, ...(signal ? [signal] : [])]),
    });
    if (response.status !== 200 || response.body === null)
      throw new TerraformDownloadError(`${url} answered with status ${response.status}.`);
    expected = Number(response.headers.get("content-length") ?? 0);
    for await (const chunk of response.body) {
      timer.refresh();
      const bytes = new Uint8Array(chunk as Uint8Array);
      received += bytes.length;
      if (received > MOST_BYTES) throw new TerraformDownloadError(`${url} is larger than any release of Terraform.`);
      chunks.push(bytes);
    }
    return Buffer.concat(chunks);
  } catch (cause) {
    signal?.throwIfAborted();
    if (cause instanceof TerraformDownloadError) throw cause;
    const sentence = idle.signal.aborted
      ? `${url}: the server sent nothing for ${idleTimeoutMs / 1_000} s.`
      : received > 0
        ? `${url}: the download was cut off after ${received}${expected > 0 ? ` of ${expected}` : ""} bytes.`
        : `${url} could not be reached: ${reasonOf(cause)}.`;
    throw new TerraformDownloadError(`${sentence} Nothing was installed. Try again, or install it: ${howToInstall()}`, {
      cause,
    });
  } finally {
    clearTimeout(timer);
  }
}

/** undici says "fetch failed", and the reason in its cause. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? error.cause.message : error.message;
}
