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

  it("has a value of before while it cannot be read again, for a time, and only when the failure is temporary", async () => {
    let now = 0;
    const isTemporary = (error: unknown) => error instanceof RangeError;
    const cache = new ExpiringCache<string>(1_000, { now: () => now }, { maxAgeMs: 5_000, isTemporary });
    const reads: string[] = [];
    const get = (read: string | Error) =>
      cache.get("key", () => {
        reads.push(String(read));
        return typeof read === "string" ? Promise.resolve(read) : Promise.reject(read);
      });
    await expect(get(new RangeError("none yet"))).rejects.toThrow("none yet");
    expect(await get("first")).toBe("first");
    for (now = 1_000; now < 5_000; now += 1_000) {
      expect(await Promise.all([get(new RangeError("busy")), get("not read")])).toEqual(["first", "first"]);
    }
    expect(reads).toHaveLength(6);
    await expect(get(new RangeError("too old"))).rejects.toThrow("too old");
    expect(await get("second")).toBe("second");
    now += 1_000;
    await expect(get(new Error("denied"))).rejects.toThrow("denied");
    await expect(get(new RangeError("busy"))).rejects.toThrow("busy");
  });
});
