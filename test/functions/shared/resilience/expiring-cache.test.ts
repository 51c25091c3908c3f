import { ExpiringCache } from "../../../../functions/shared/resilience/expiring-cache";

describe("a cache whose values expire", () => {
  function setup() {
    let now = 0;
    let reads = 0;
    const cache = new ExpiringCache<number>(1_000, { now: () => now });
    return {
      cache,
      get: () => cache.get("key", () => Promise.resolve(++reads)),
      advance: (ms: number) => (now += ms),
    };
  }

  it("reads once for concurrent calls, and again after its time", async () => {
    const { get, advance } = setup();
    expect(await Promise.all([get(), get()])).toEqual([1, 1]);
    advance(999);
    expect(await get()).toBe(1);
    advance(1);
    expect(await get()).toBe(2);
  });

  it("reads again after a failure, and after a deletion", async () => {
    const { cache, get } = setup();
    await expect(cache.get("key", () => Promise.reject(new Error("no")))).rejects.toThrow("no");
    expect(await get()).toBe(1);
    cache.delete("key");
    expect(await get()).toBe(2);
  });
});
