import { createServer } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { followClock, setAhead } from "../../../scripts/environments/environment-clock";

const HOUR_MS = 3_600_000;
const machineNow = Date.now;
afterEach(() => {
  setAhead(0);
});

describe("the clock of a command", () => {
  it("is ahead as that of its environment is: now, a new Date, and its text, but no given time", () => {
    const before = machineNow();
    setAhead(HOUR_MS + 0.5);
    for (const time of [Date.now(), new Date().getTime(), Date.parse(Date())]) {
      expect(time).toBeGreaterThanOrEqual(Math.floor(before / 1_000) * 1_000 + HOUR_MS);
      expect(Number.isInteger(time)).toBe(true);
    }
    expect(new Date(0).toISOString()).toBe("1970-01-01T00:00:00.000Z");
    expect(new Date(2026, 0, 1)).toBeInstanceOf(Date);
    expect(Date.UTC(1970, 0, 1)).toBe(0);
    setAhead(0);
    expect(Date.now()).toBeLessThan(before + HOUR_MS);
  });

  it("is the machine's where the emulator does not say, or is gone", async () => {
    const server = createServer((_, response) => {
      response.writeHead(404).end("{}");
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    await followClock(endpoint);
    server.closeAllConnections();
    server.close();
    await once(server, "close");
    await followClock(endpoint);
    expect(Date.now()).toBeLessThan(machineNow() + HOUR_MS);
  });
});
