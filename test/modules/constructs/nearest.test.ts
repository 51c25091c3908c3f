import { editDistance, nearest } from "../../../modules/constructs/nearest";

it.each([
  ["lcal", "local"],
  ["lcoal", "local"],
  ["stagin", "staging"],
  ["prod", "production"],
  ["Staging", "staging"],
  ["waitseconds", "waitSeconds"],
  ["alice", undefined],
  ["s", undefined],
])("the nearest to %s is %s", (typed, expected) => {
  expect(nearest(typed, ["local", "staging", "production", "waitSeconds"])).toBe(expected);
});

it.each([
  ["", "abc", 3],
  ["abc", "abc", 0],
  ["abc", "acb", 1],
  ["abc", "axc", 1],
  ["abc", "ab", 1],
])("from %s to %s are %d changes", (a, b, distance) => {
  expect(editDistance(a, b)).toBe(distance);
});
