import { firstAvailable, type Emulator, type EmulatorSource } from "../../../scripts/emulator/find";

const release = { version: "1.2.3" };
const emulator: Emulator = { kind: "docker", image: "ministack:1.2.3", description: "MiniStack 1.2.3, in Docker" };
const source = (name: string, found: Awaited<ReturnType<EmulatorSource["find"]>>): EmulatorSource => ({
  name,
  find: () => Promise.resolve(found),
});

describe("the emulator", () => {
  it("is the first to be had, and none after it is looked for", async () => {
    const later: EmulatorSource = { name: "later", find: () => Promise.reject(new Error("looked for")) };
    const sources = [source("venv", { unavailable: "no network", fix: "plug it in" }), source("here", emulator), later];
    expect(await firstAvailable(sources, release)).toBe(emulator);
  });

  it("that is not to be had is told with all that was tried, and how to mend each", async () => {
    const sources = [
      source("private virtual environment", { unavailable: "pip failed:\nno such host", fix: "let pip out." }),
      source("Docker", { unavailable: "it is not installed", fix: "install it." }),
    ];
    await expect(firstAvailable(sources, release)).rejects.toThrow(`\
No AWS emulator is available. Tried for MiniStack 1.2.3:
- private virtual environment: pip failed:
    no such host
  To fix: let pip out.
- Docker: it is not installed
  To fix: install it.
Or use your own AWS emulator: ALMANAC_AWS_ENDPOINT=http://127.0.0.1:4566 npm start`);
  });
});
