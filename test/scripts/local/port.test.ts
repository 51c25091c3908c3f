import { createServer, type AddressInfo } from "node:net";
import { once } from "node:events";
import { describeError } from "../../../scripts/shared/terminal/errors";
import { choosePort, isPortFree, isPortFreeSoon } from "../../../scripts/local/port";

const busy =
  (...ports: number[]) =>
  (port: number) =>
    Promise.resolve(!ports.includes(port));

describe("the emulator's port", () => {
  it("is the default one when that is free, else the next that is", async () => {
    expect(await choosePort(undefined, busy())).toBe(4566);
    expect(await choosePort(undefined, busy(4566, 4567))).toBe(4568);
  });

  it("is the one asked for, and no other", async () => {
    expect(await choosePort(5000, busy(4566))).toBe(5000);
    await expect(choosePort(5000, busy(5000))).rejects.toThrow(/Port 5000 is in use.*Omit --port/);
  });

  it("is not said to be in use when this user may not have it", async () => {
    const denied = Object.assign(new Error("listen"), { code: "EACCES", syscall: "listen", port: 80 });
    const refused = choosePort(80, busy(80), () => Promise.resolve(denied));
    await expect(refused.catch(describeError)).resolves.toMatch(
      /does not allow this user to listen on this port .*: 80\. Pass another: --port/,
    );
  });

  it("is not looked for without end", async () => {
    await expect(choosePort(undefined, () => Promise.resolve(false))).rejects.toThrow(
      "The ports 4566 to 4615 are all in use. Pass another: --port <n>",
    );
  });

  it.each(["127.0.0.1", "0.0.0.0"])("is taken when another program listens on %s", async (host) => {
    const server = createServer().listen(0, host);
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    expect(await isPortFree(port)).toBe(false);
    server.close();
    await once(server, "close");
    expect(await isPortFree(port)).toBe(true);
  });

  it("of a kept state is waited for while a killed process has it, and not for ever", async () => {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    const isFree = isPortFreeSoon(port);
    expect(await isPortFree(port)).toBe(false);
    server.close();
    expect(await isFree).toBe(true);
    const other = createServer().listen(port, "127.0.0.1");
    await once(other, "listening");
    expect(await isPortFreeSoon(port, 300)).toBe(false);
    other.close();
  });
});
