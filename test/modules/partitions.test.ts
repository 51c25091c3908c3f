import { synthesize } from "../support/synthesized";
import { EVERYTHING } from "../support/everything";

/** One region of each partition in which Almanac can be deployed. */
const REGIONS = ["eu-central-1", "us-gov-west-1", "cn-north-1"];

describe.each(REGIONS)("an environment in %s", (region) => {
  const { root, modules } = synthesize({
    ...EVERYTHING,
    heartbeats: { ...EVERYTHING.heartbeats, statusPage: {} },
    region,
  });

  it("names no partition: ARNs get it from the provider", () => {
    for (const json of [root, ...Object.values(modules)])
      expect(JSON.stringify(json).match(/arn:aws[\w-]*:[^"\\ ]*/g) ?? []).toEqual([]);
  });
});
