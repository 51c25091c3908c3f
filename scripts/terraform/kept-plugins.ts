/** Keeps Terraform's plugins for the stacks of work folders: the AWS provider has hundreds of megabytes. */
import { copyFile, mkdir, readFile, rename, symlink } from "node:fs/promises";
import { join, resolve } from "node:path";
import { withLock } from "../shared/lock-file";
import { terraformInit, type TerraformOptions } from "./terraform";

/** Of the project. */
const KEPT = ".almanac/terraform/plugins";

/** Names each provider's version and checksums. Without it Terraform would ask for the newest version each time. */
const LOCK_FILE = ".terraform.lock.hcl";

/** `terraform init` in a folder that has no plugins yet. */
export async function initWithKeptPlugins(options: TerraformOptions, kept = resolve(KEPT)): Promise<void> {
  const { cwd, signal } = options;
  const [providers, lockFile] = [join(kept, "providers"), join(kept, LOCK_FILE)];
  await mkdir(providers, { recursive: true });
  await mkdir(join(cwd, ".terraform"));
  // On Windows a junction: others need a privilege. On a disk without links, Terraform installs them again.
  await symlink(providers, join(cwd, ".terraform", "providers"), "junction").catch(() => undefined);
  // Terraform's own cache allows one init at a time too.
  await withLock(join(kept, "init.lock"), { ...(signal && { signal }) }, async () => {
    await copyFile(lockFile, join(cwd, LOCK_FILE)).catch(() => undefined);
    await terraformInit(options);
    const [before, after] = await Promise.all([lockFile, join(cwd, LOCK_FILE)].map(textOf));
    if (after === before || after === undefined) return;
    await copyFile(join(cwd, LOCK_FILE), `${lockFile}.new`);
    await rename(`${lockFile}.new`, lockFile);
  });
}

const textOf = (file: string): Promise<string | undefined> => readFile(file, "utf8").catch(() => undefined);
