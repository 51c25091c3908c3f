import * as z from "zod";
import { FUZZ_TARGETS } from "../support/fuzz/targets";
import { EVERYTHING } from "../support/everything";
import { synthesize } from "../support/synthesized";

const settingsSchema = z.object({
  settings: z.object({ throttling_rate_limit: z.number(), throttling_burst_limit: z.number() }),
});

/** `POST /heartbeats/{name}` is `post_heartbeats_item` in the resource of its method. */
const slug = (route: string) =>
  route
    .replace(/\{\w+\}/g, "item")
    .replace(/[^A-Za-z\d]+/g, "_")
    .replace(/_$/, "");

const { modules } = synthesize({
  ...EVERYTHING,
  heartbeats: { ...EVERYTHING.heartbeats, pingSecretParameter: "/almanac/heartbeats/ping" },
});

it("every route of every API is fuzzed", () => {
  const fuzzed = FUZZ_TARGETS.filter(({ kind }) => kind === "endpoint").map(({ name }) => slug(name).toLowerCase());
  const routes = Object.values(modules)
    .flatMap(({ resource }) => Object.keys(resource["aws_api_gateway_method"] ?? {}))
    // A workflow's API has the workflow's name before it.
    .map((name) => name.replace(/^(\w+?_)?api_(rest_)?/, "").toLowerCase())
    // API Gateway answers preflights itself.
    .filter((name) => !name.startsWith("options"));
  expect(routes.length).toBeGreaterThan(20);
  expect(routes.filter((route) => !fuzzed.includes(route))).toEqual([]);
});

it("an unsigned request invokes nothing, or a function whose route is throttled by itself", () => {
  const routes = Object.values(modules).flatMap(({ resource }) => {
    const named = (type: string) => Object.entries(resource[type] ?? {});
    const mocks = named("aws_api_gateway_integration").flatMap(([, { type, http_method }]) =>
      type === "MOCK" ? [String(http_method)] : [],
    );
    return named("aws_api_gateway_method")
      .filter(([, { authorization }]) => authorization !== "AWS_IAM")
      .map(([name, { authorization, http_method }]) => ({
        name: `${String(http_method)} ${name}`,
        authorization,
        isMock: mocks.includes(`\${aws_api_gateway_method.${name}.http_method}`),
        limit: settingsSchema.safeParse(resource["aws_api_gateway_method_settings"]?.[`${name}_throttling`]).data
          ?.settings,
      }));
  });
  const [mocks, others] = [routes.filter(({ isMock }) => isMock), routes.filter(({ isMock }) => !isMock)];
  expect(mocks.length).toBeGreaterThan(3);
  for (const { name } of mocks) expect(name).toMatch(/^OPTIONS /);
  // A webhook, and the ping URLs by GET and POST, with and without an event.
  expect(others).toHaveLength(5);
  for (const { name, authorization, limit } of others) {
    expect({ name, authorization }).toEqual({
      name: expect.stringMatching(/webhook|ping/) as unknown,
      authorization: "NONE",
    });
    expect(limit?.throttling_rate_limit).toBeLessThanOrEqual(50);
    expect(limit?.throttling_burst_limit).toBeLessThanOrEqual(100);
  }
});
