import { inspect } from "node:util";
import { portNumber } from "../../../../scripts/shared/terminal/command-line";

/** Whether fetch connects to a port, where nothing has to listen. */
async function isFetched(port: number): Promise<boolean> {
  const answer = inspect(await fetch(`http://127.0.0.1:${port}/`).catch((reason: unknown) => reason));
  return !answer.includes("bad port");
}

describe("a port to serve on", () => {
  it.each(["0", "65536", "-1", "4566.5", "http", ""])("is not %j", (text) => {
    expect(() => portNumber(text)).toThrow("Expected a whole number from 1 to 65535.");
  });

  it.each([
    1, 79, 636, 995, 1_719, 2_049, 3_659, 4_045, 4_190, 5_060, 5_061, 6_000, 6_566, 6_669, 6_679, 6_697, 10_080,
  ])("is not %i, from which fetch and browsers load nothing", async (port) => {
    expect(() => portNumber(String(port))).toThrow("Browsers load nothing from that port: choose another.");
    expect(await isFetched(port)).toBe(false);
  });

  it.each([2, 80, 4_566, 4_570, 5_000, 6_001, 8_080, 10_081])("may be %i", async (port) => {
    expect(portNumber(String(port))).toBe(port);
    expect(await isFetched(port)).toBe(true);
  });
});
