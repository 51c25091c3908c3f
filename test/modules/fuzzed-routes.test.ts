import { FUZZ_TARGETS } from "../support/fuzz/targets";
import { EVERYTHING } from "../support/everything";
import { synthesize } from "../support/synthesized";

/** `POST /heartbeats/{name}` is `post_heartbeats_name` in the resource of its method. */
const slug = (route: string) => route.replace(/[^A-Za-z\d]+/g, "_").replace(/_$/, "");

it("every route of every API is fuzzed", () => {
  const { modules } = synthesize({
    ...EVERYTHING,
    heartbeats: { ...EVERYTHING.heartbeats, pingSecretParameter: "/almanac/heartbeats/ping" },
  });
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
