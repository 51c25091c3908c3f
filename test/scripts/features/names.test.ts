import { schedulesSchema } from "../../../functions/schedules/contract";
import { runsTable } from "../../../functions/schedules/storage/runs-table";
import { ownSchedule } from "../../../scripts/features/schedules/environment";
import { workflowOf } from "../../../scripts/features/workflows/environment";
import { outputsOf, pipelineOf, type Features } from "../../../scripts/shared/feature-outputs";

const features: Features = {
  pipelines: { pipelines: {}, archive_bucket_name: "archive" },
  workflows: { workflows: {} },
};
const deployed = { name: "local", features };

/** Every object has them, by inheritance. */
const INHERITED = ["constructor", "toString", "hasOwnProperty", "__proto__"];

describe.each(INHERITED)("the name %s, which nothing has", (name) => {
  it("is no pipeline", () => {
    expect(() => pipelineOf("local", name, deployed)).toThrow(`local has no pipeline "${name}". It has: `);
  });

  it("is no workflow", () => {
    expect(() => workflowOf(deployed, name)).toThrow(`local has no workflow "${name}". It has: `);
  });

  it("is no schedule", () => {
    const schedules = schedulesSchema.parse({ report: { schedule: "rate(1 hour)" } });
    const own = { schedules, table: runsTable(() => Promise.resolve({}), "runs"), functionPrefix: "local-" };
    expect(() => ownSchedule(name, { deployed, own, ticks: [] })).toThrow(
      `local has no schedule "${name}". It has: report`,
    );
  });
});

it("a feature that an environment does not have is not found in what every object has", () => {
  const environment = { name: "local", features: Object.create({ timers: { api_url: "x" } }) as Features };
  expect(() => outputsOf("timers", environment)).toThrow("local has no timers");
});
