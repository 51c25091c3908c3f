/**
 * Finds Terraform providers that are on this machine already, so that `terraform init` needs no network. Terraform looks into
 * some of these places itself, but asks the registry as well unless a CLI configuration tells it not to.
 */
import { readdir } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { REQUIRED_PROVIDERS } from "../../modules/constructs/versions";

const REGISTRY = "registry.terraform.io";
const PROVIDER = REQUIRED_PROVIDERS.aws.source;

/** What the stacks ask for: `~> 5.100` is any 5.x from 5.100 on. */
const [, ACCEPTED_MAJOR, OLDEST_MINOR] = /^~> (\d+)\.(\d+)$/.exec(REQUIRED_PROVIDERS.aws.version) ?? [];

/** How deep below /opt a mirror is looked for: /opt/<a>/<b>/registry.terraform.io. */
const OPT_DEPTH = 2;

/** The folders that may hold `registry.terraform.io/`, in the order they are tried. */
export async function mirrorCandidates(home: string = homedir(), opt = "/opt"): Promise<readonly string[]> {
  return [
    join(home, ".terraform.d", "plugins"),
    "/usr/share/terraform/plugins",
    "/usr/local/share/terraform/plugins",
    ...(await foldersHoldingRegistry(opt, OPT_DEPTH)),
  ];
}

/** The first folder that holds an AWS provider the stacks accept, for this platform; undefined: none does. */
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

/** The CLI configuration that takes the AWS provider from a mirror and everything else from the registry. */
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

/** Whether the stacks' constraint accepts this version. Pre-releases are not accepted, as Terraform does not. */
export function isAcceptedVersion(version: string): boolean {
  const [, major, minor] = /^(\d+)\.(\d+)\.\d+$/.exec(version) ?? [];
  return major !== undefined && major === ACCEPTED_MAJOR && Number(minor) >= Number(OLDEST_MINOR);
}

/** The name Terraform gives this platform, such as `linux_amd64`. */
export function terraformPlatform(platform: string = process.platform, architecture: string = process.arch): string {
  const systems: Readonly<Record<string, string>> = { win32: "windows" };
  const architectures: Readonly<Record<string, string>> = { x64: "amd64", ia32: "386" };
  return `${systems[platform] ?? platform}_${architectures[architecture] ?? architecture}`;
}

/** Both layouts of a mirror: `<version>/<platform>/` unpacked, and `terraform-provider-aws_<version>_<platform>.zip`. */
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

/** The names in a folder, sorted; none where there is no such folder, or it may not be read. */
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
