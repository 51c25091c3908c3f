import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { digestOf } from "../../../scripts/local/deployed-digest";
import fc from "../../support/fast-check";

type Files = Readonly<Record<string, string>>;

async function digestOfFiles(files: Files): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "stack-"));
  try {
    for (const [name, content] of Object.entries(files)) {
      await mkdir(dirname(join(folder, name)), { recursive: true });
      await writeFile(join(folder, name), content);
    }
    return await digestOf(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

const stack = { "cdk.tf.json": "{}", "modules/timers/main.tf": "a", "modules/timers/assets/x.zip": "zip" };

it("is the same for the same files, wherever they are, and whatever Terraform adds", async () => {
  const terraforms = { ".terraform.lock.hcl": "l", ".terraform/modules/modules.json": "m", "errored.tfstate": "s" };
  await expect(digestOfFiles({ ...stack, ...terraforms })).resolves.toBe(await digestOfFiles(stack));
});

it("differs when any file differs: in name, content, or where one ends and the next begins", async () => {
  const name = fc.constantFrom("a", "b", "ab", "modules/a", "modules/b");
  const files = fc.dictionary(name, fc.string({ unit: fc.constantFrom("a", "b", "\0", "1"), maxLength: 3 }));
  await fc.assert(
    fc.asyncProperty(files, files, async (one, other) => {
      const same = JSON.stringify(Object.entries(one).sort()) === JSON.stringify(Object.entries(other).sort());
      expect((await digestOfFiles(one)) === (await digestOfFiles(other))).toBe(same);
    }),
    { numRuns: 60 },
  );
});
