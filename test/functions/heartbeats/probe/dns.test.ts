import { systemLookup, type ResolvedAddress } from "../../../../functions/heartbeats/probe/dns";

const addresses = [{ address: "127.0.0.1", family: 4 }];

describe("looking names up", () => {
  it("shares a look-up under way, and asks anew after it", async () => {
    const resolve = jest.fn(() => Promise.resolve(addresses));
    const lookUp = systemLookup(resolve);
    const { signal } = new AbortController();
    expect(await Promise.all([lookUp("a.test", signal), lookUp("a.test", signal)])).toEqual([addresses, addresses]);
    expect(resolve).toHaveBeenCalledTimes(1);
    await lookUp("a.test", signal);
    await lookUp("b.test", signal);
    expect(resolve.mock.calls).toEqual([["a.test"], ["a.test"], ["b.test"]]);
  });

  it("lets one give up without the others", async () => {
    let found: (addresses: readonly ResolvedAddress[]) => void = () => undefined;
    const lookUp = systemLookup(() => new Promise((resolve) => (found = resolve)));
    const impatient = new AbortController();
    const given = [lookUp("a.test", impatient.signal), lookUp("a.test", new AbortController().signal)];
    const reason = new Error("enough");
    impatient.abort(reason);
    await expect(given[0]).rejects.toBe(reason);
    found(addresses);
    await expect(given[1]).resolves.toBe(addresses);
  });

  it("passes on what the system says", async () => {
    const error = Object.assign(new Error(), { code: "ENOTFOUND" });
    const lookUp = systemLookup(() => Promise.reject(error));
    await expect(lookUp("a.test", new AbortController().signal)).rejects.toBe(error);
  });
});
