import { readFileSync } from "node:fs";
import { SCENARIOS } from "../../scripts/dev/record-plans/scenarios";
import { appliedState, isEmpty } from "../../scripts/dev/record-plans/applied-state";
import { parsePlan } from "../../scripts/review/plan";
import { synthesize, type TerraformJson } from "../support/synthesized";

const addressesOf = (prefix: string, { resource }: TerraformJson) =>
  Object.entries(resource).flatMap(([type, named]) => Object.keys(named).map((name) => `${prefix}${type}.${name}`));

// Otherwise reviews are tested with plans that no stack has any more: node scripts/launcher/dev.mjs record-plans
it.each(Object.entries(SCENARIOS))("the recorded plan of %s has the resources of today's stacks", (name, { after }) => {
  const { root, modules } = synthesize(after, "demo");
  const today = [
    ...addressesOf("", root),
    ...Object.entries(modules).flatMap(([feature, module]) => addressesOf(`module.${feature}.`, module)),
  ];
  const { resource_changes: changes } = parsePlan(readFileSync(`test/scripts/review/plans/${name}.json`, "utf8"));
  const recorded = changes.map(({ address }) => address);
  expect(recorded.filter((address) => !today.includes(address))).toEqual([]);
  if (name === "first-deployment") expect(recorded.sort()).toEqual(today.sort());
});

describe("the state after a plan", () => {
  const plan = (actions: readonly string[], before: object | null) =>
    JSON.stringify({
      terraform_version: "1.11.4",
      planned_values: {
        root_module: {
          child_modules: [
            {
              resources: [
                {
                  address: "module.timers.aws_sqs_queue.fires",
                  mode: "managed",
                  type: "aws_sqs_queue",
                  name: "fires",
                  schema_version: 0,
                },
                {
                  address: "module.timers.data.aws_region.region",
                  mode: "data",
                  type: "aws_region",
                  name: "region",
                  schema_version: 0,
                },
              ],
            },
          ],
        },
      },
      resource_changes: [
        {
          address: "module.timers.aws_sqs_queue.fires",
          module_address: "module.timers",
          change: {
            actions,
            before,
            after: { name: "almanac-demo-fires", delay_seconds: 0 },
            after_unknown: { id: true, arn: true, policy: true, tags_all: {} },
          },
        },
      ],
    });
  const stateSchema = (state: string) => JSON.parse(state) as { resources: readonly unknown[] };

  it("has what the plan knows, and values for what others refer to", () => {
    expect(stateSchema(appliedState(plan(["create"], null))).resources).toEqual([
      expect.objectContaining({
        module: "module.timers",
        type: "aws_sqs_queue",
        instances: [
          {
            schema_version: 0,
            attributes: {
              name: "almanac-demo-fires",
              delay_seconds: 0,
              id: "almanac-demo-fires",
              arn: "arn:aws:sqs:eu-central-1:123456789012:timers.fires",
            },
          },
        ],
      }),
    ]);
  });

  it("keeps what is there, but for what another release has left", () => {
    const address = "module.timers.aws_sqs_queue.fires";
    const state = appliedState(plan(["update"], { id: "kept" }), { [address]: { delay_seconds: 5 } });
    expect(JSON.stringify(state)).toContain("kept");
    expect(stateSchema(state).resources).toEqual([
      expect.objectContaining({
        instances: [
          expect.objectContaining({ attributes: expect.objectContaining({ id: "kept", delay_seconds: 5 }) as unknown }),
        ],
      }),
    ]);
  });

  it("is the end of it once a plan changes nothing", () => {
    expect([isEmpty(plan(["create"], null)), isEmpty(plan(["no-op"], null))]).toEqual([false, true]);
  });
});
