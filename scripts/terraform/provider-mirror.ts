/**
 * Finds Terraform providers on this machine, so that `terraform init` needs no network. Terraform searches some of these folders itself,
 * but also queries the registry unless a CLI configuration forbids it.
 */
import { readdir } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { REQUIRED_PROVIDERS } from "../../modules/constructs/versions";

const REGISTRY = "registry.terraform.io";
const PROVIDER = REQUIRED_PROVIDERS.aws.source;

/** `~> 5.100` accepts any 5.x from 5.100 on. */
const [, ACCEPTED_MAJOR, OLDEST_MINOR] = /^~> (\d+)\.(\d+)$/.exec(REQUIRED_PROVIDERS.aws.version) ?? [];

/** Search depth below /opt: /opt/<a>/<b>/registry.terraform.io. */
const OPT_DEPTH = 2;

/** The folders that may contain `registry.terraform.io/`, in search order. */
export async function mirrorCandidates(home: string = homedir(), opt = "/opt"): Promise<readonly string[]> {
  return [
    join(home, ".terraform.d", "plugins"),
    "/usr/share/terraform/plugins",
    "/usr/local/share/terraform/plugins",
    ...(await foldersHoldingRegistry(opt, OPT_DEPTH)),
  ];
}

/** The first folder with an accepted AWS provider for this platform. */
export async function findProviderMirror(
  candidates: readonly string[],
  platform: string = terraformPlatform(),
): Promise<string | undefined> {
  for (const candidate of candidates) {
    const versions = await awsVersions(candidate, platform);
    if (versions.some(isAcceptedVersion)) return candidate;
  }
  return undefined;
}

/** A CLI configuration with the AWS provider from a mirror and all others from the registry. */
export function mirrorConfiguration(mirror: string): string {
  const provider = JSON.stringify(`${REGISTRY}/${PROVIDER}`);
  return [
    "# Written by Almanac (scripts/terraform/provider-mirror.ts): the AWS provider was found on this machine.",
    "provider_installation {",
    "  filesystem_mirror {",
    `    path    = ${hclString(mirror)}`,
    `    include = [${provider}]`,
    "  }",
    "  direct {",
    `    exclude = [${provider}]`,
    "  }",
    "}",
    "",
  ].join("\n");
}

/** Whether the stacks' constraint accepts this version. Like Terraform, not for pre-releases. */
export function isAcceptedVersion(version: string): boolean {
  const [, major, minor] = /^(\d+)\.(\d+)\.\d+$/.exec(version) ?? [];
  return major !== undefined && major === ACCEPTED_MAJOR && Number(minor) >= Number(OLDEST_MINOR);
}

/** Terraform's name of this platform: `linux_amd64`. */
export function terraformPlatform(platform: string = process.platform, architecture: string = process.arch): string {
  const systems: Readonly<Record<string, string>> = { win32: "windows" };
  const architectures: Readonly<Record<string, string>> = { x64: "amd64", ia32: "386" };
  return `${systems[platform] ?? platform}_${architectures[architecture] ?? architecture}`;
}

/** Mirrors have `<version>/<platform>/` or `terraform-provider-aws_<version>_<platform>.zip`. */
async function awsVersions(mirror: string, platform: string): Promise<readonly string[]> {
  const folder = join(mirror, REGISTRY, PROVIDER);
  const versions: string[] = [];
  for (const name of await entries(folder)) {
    const packed = /^terraform-provider-aws_(.+?)_(.+)\.zip$/.exec(name);
    if (packed?.[1] !== undefined && packed[2] === platform) versions.push(packed[1]);
    else if ((await entries(join(folder, name))).includes(platform)) versions.push(name);
  }
  return versions;
}

async function foldersHoldingRegistry(folder: string, depth: number): Promise<readonly string[]> {
  const names = await entries(folder);
  const here = names.includes(REGISTRY) ? [folder] : [];
  if (depth === 0) return here;
  const below = await Promise.all(names.map((name) => foldersHoldingRegistry(join(folder, name), depth - 1)));
  return [...here, ...below.flat()];
}

/** The sorted names in a folder; empty when it cannot be read. */
async function entries(folder: string): Promise<readonly string[]> {
  try {
    return (await readdir(folder)).sort();
  } catch {
    return [];
  }
}

/** `${` and `%{` begin templates in HCL strings; the rest is as in JSON. */
function hclString(value: string): string {
  return JSON.stringify(value).replace(/[$%](?=\{)/g, (sign) => sign + sign);
}
