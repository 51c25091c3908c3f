import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startPages } from "../../../../scripts/local/pages/run";
import { endProcessGroup } from "../../../../scripts/shared/processes";

describe("the local pages", () => {
  it("that are started again keep their port, unless another program has it", async () => {
    const folder = mkdtempSync(join(tmpdir(), "almanac-pages-"));
    const other = createServer().listen(0, "127.0.0.1");
    await once(other, "listening");
    const { port } = other.address() as AddressInfo;
    const start = async () => {
      const { url, process } = await startPages({
        ...{ folder, endsWithUs: true, endpoint: "http://127.0.0.1:9" },
        port: String(port),
      });
      const inbox = await fetch(`${url}/inbox`);
      expect(inbox.status).toBe(200);
      await endProcessGroup(process, 1_000);
      return url;
    };
    expect(await start()).not.toBe(`http://127.0.0.1:${port}`);
    other.close();
    await once(other, "close");
    expect(await start()).toBe(`http://127.0.0.1:${port}`);
    rmSync(folder, { recursive: true });
  });
});
