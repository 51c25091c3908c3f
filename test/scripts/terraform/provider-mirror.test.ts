import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import {
  findProviderMirror,
  isAcceptedVersion,
  mirrorCandidates,
  mirrorConfiguration,
  terraformPlatform,
} from "../../../scripts/terraform/provider-mirror";

const AWS = "registry.terraform.io/hashicorp/aws";
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "almanac-mirror-"));
});
afterEach(() => rm(folder, { recursive: true }));

async function file(path: string): Promise<void> {
  await mkdir(dirname(join(folder, path)), { recursive: true });
  await writeFile(join(folder, path), "");
}

describe("the provider mirror", () => {
  it("is found unpacked and packed, for this platform only", async () => {
    await file(`unpacked/${AWS}/5.100.0/linux_amd64/terraform-provider-aws_v5.100.0_x5`);
    await file(`packed/${AWS}/terraform-provider-aws_5.101.2_darwin_arm64.zip`);
    const candidates = [join(folder, "missing"), join(folder, "unpacked"), join(folder, "packed")];

    expect(await findProviderMirror(candidates, "linux_amd64")).toBe(join(folder, "unpacked"));
    expect(await findProviderMirror(candidates, "darwin_arm64")).toBe(join(folder, "packed"));
    expect(await findProviderMirror(candidates, "linux_arm64")).toBeUndefined();
  });

  it("does not count when it holds only versions the stacks refuse", async () => {
    await file(`old/${AWS}/5.99.1/linux_amd64/provider`);
    await file(`old/${AWS}/6.0.0/linux_amd64/provider`);

    expect(await findProviderMirror([join(folder, "old")], "linux_amd64")).toBeUndefined();
  });

  it("is looked for in the conventional places, then two folders deep below /opt", async () => {
    await file(`opt/tools/terraform/${AWS}/x`);
    await file(`opt/near/${AWS}/x`);
    await file(`opt/much/too/deep/${AWS}/x`);

    expect(await mirrorCandidates("/home/ada", join(folder, "opt"))).toEqual([
      join("/home/ada", ".terraform.d", "plugins"),
      "/usr/share/terraform/plugins",
      "/usr/local/share/terraform/plugins",
      join(folder, "opt", "near"),
      join(folder, "opt", "tools", "terraform"),
    ]);
  });

  it("serves the AWS provider alone: everything else comes from the registry", () => {
    expect(mirrorConfiguration("/opt/${odd} place")).toBe(`\
# Written by Almanac (scripts/terraform/provider-mirror.ts): the AWS provider was found on this machine.
provider_installation {
  filesystem_mirror {
    path    = "/opt/$\${odd} place"
    include = ["registry.terraform.io/hashicorp/aws"]
  }
  direct {
    exclude = ["registry.terraform.io/hashicorp/aws"]
  }
}
`);
  });
});

it.each([
  ["5.100.0", true],
  ["5.120.3", true],
  ["5.99.9", false],
  ["6.100.0", false],
  ["5.101.0-beta1", false],
  ["5.100", false],
])("takes provider version %s: %s", (version, accepted) => {
  expect(isAcceptedVersion(version)).toBe(accepted);
});

it.each([
  ["linux", "x64", "linux_amd64"],
  ["darwin", "arm64", "darwin_arm64"],
  ["win32", "ia32", "windows_386"],
])("calls %s on %s %s, as Terraform does", (platform, architecture, name) => {
  expect(terraformPlatform(platform, architecture)).toBe(name);
});
