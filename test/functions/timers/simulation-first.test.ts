import { brokenWorlds } from "../../support/simulation/survive";

// In two files, for two processors to share.
describe("timers in the first thousand worlds in which everything goes wrong", () => {
  it("keep every promise", async () => {
    expect(await brokenWorlds(0, 1_000)).toEqual([]);
  }, 300_000);
});
