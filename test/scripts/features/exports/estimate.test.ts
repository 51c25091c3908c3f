import { exportSchema } from "../../../../functions/exports/contract";
import { PRICES } from "../../../../scripts/shared/aws/prices";
import { estimate } from "../../../../scripts/features/exports/estimate";

const GB = 1e9;
const config = (more: object = {}) => exportSchema.parse({ name: "orders", table: "orders", ...more });

describe("an estimate", () => {
  it("is of what is paid for, and of how long one waits", () => {
    const { costs, dollars, seconds } = estimate(config(), { bytes: 10 * GB });
    expect(dollars).toBeCloseTo(Object.values(costs).reduce((sum, cost) => sum + cost, 0));
    // Half a unit for 4 KB, eventually consistent; beside it, what is written into the state table hardly counts.
    const units = (10 * GB) / 4_096 / 2;
    expect(costs.DynamoDB / (units * PRICES.dynamodb.readRequestUnit)).toBeCloseTo(1, 1);
    expect(seconds).toBeCloseTo(10 + (10 * GB) / 40e6 / 8);
  });

  it("of a table twice as large is twice as much", () => {
    const [one, two] = [10 * GB, 20 * GB].map((bytes) => estimate(config(), { bytes }));
    expect((two?.dollars ?? 0) / (one?.dollars ?? 1)).toBeCloseTo(2, 1);
  });

  it("of an empty table is next to nothing, but not nothing", () => {
    const { dollars, seconds } = estimate(config(), { bytes: 0 });
    expect(dollars).toBeGreaterThan(0);
    expect(dollars).toBeLessThan(0.01);
    expect(seconds).toBe(10);
  });

  it("of an incremental export pays for consistent reads, which cost twice", () => {
    const watermark = { attribute: "at" };
    const full = estimate(config(), { bytes: 10 * GB });
    const incremental = estimate(config({ mode: "incremental", watermark }), { bytes: 10 * GB });
    expect(incremental.costs.DynamoDB / full.costs.DynamoDB).toBeCloseTo(2, 1);
  });

  it("knows that a document is read by one worker, and that 40 work at a time", () => {
    const seconds = (more: object) => estimate(config(more), { bytes: 40 * GB }).seconds - 10;
    expect(seconds({ format: "json" })).toBeCloseTo(1_000);
    expect(seconds({ segments: 40 })).toBeCloseTo(25);
    expect(seconds({ segments: 256 })).toBeCloseTo(25);
  });

  it("knows that a cap holds all workers back, and that waiting in Lambda is paid for", () => {
    const [free, capped] = [config(), config({ maxReadUnitsPerSecond: 1_000 })].map((each) =>
      estimate(each, { bytes: 10 * GB }),
    );
    expect(capped?.seconds).toBeCloseTo(10 + (10 * GB) / 8_192 / 1_000);
    expect(capped?.costs.Lambda).toBeGreaterThan(2 * (free?.costs.Lambda ?? Infinity));
    expect(capped?.costs.DynamoDB).toBe(free?.costs.DynamoDB);
  });

  it("of DynamoDB's own export is by the gigabyte, whatever else is set", () => {
    const { costs } = estimate(config({ engine: "dynamodb-export", segments: 256 }), { bytes: 10 * GB });
    expect(costs).toEqual({ DynamoDB: expect.closeTo(1.1, 0) as unknown, S3: 0, Lambda: 0, "Step Functions": 0 });
  });
});
