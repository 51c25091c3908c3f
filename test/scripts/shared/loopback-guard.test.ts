import { execFileSync } from "node:child_process";
import { refusal } from "../../../scripts/shared/loopback-guard";

type Headers = readonly (readonly [name: string, value: string])[];

const HOST = ["host", "127.0.0.1:4566"] as const;

const ACCEPTED: readonly Headers[] = [
  [HOST],
  [["host", "127.0.0.1"]],
  [["host", "LOCALHOST:4566"]],
  [["host", "[::1]:4566"]],
  [["host", "bucket.s3.localhost:4566"]],
  [["host", "0a1b2c3d.execute-api.localhost:4566"]],
  // The page's own requests, and an address that somebody typed.
  [HOST, ["origin", "http://127.0.0.1:4566"], ["sec-fetch-site", "same-origin"]],
  [HOST, ["sec-fetch-site", "none"]],
];

const REFUSED: readonly (readonly [headers: Headers, reason: string])[] = [
  ...[
    "evil.example",
    "evil.example:4566",
    "127.0.0.1.evil.example",
    "localhost.evil.example",
    "evillocalhost",
    "127.0.0.1@evil.example",
    "127.0.0.1:80.evil.example",
    "127.0.0.1:",
    "127.0.0.1\u00a0",
    ".localhost",
    "192.168.0.7:4566",
    "0.0.0.0:4566",
    "",
  ].map((host) => [[["host", host]], "Host"] as const),
  [[], "Host"],
  [[HOST, ["host", "evil.example"]], "Host"],
  ...[
    "https://evil.example",
    "null",
    "",
    "http://localhost:4566",
    "http://127.0.0.1:3000",
    "http://127.0.0.1",
    "https://127.0.0.1:4566",
    "http://127.0.0.1:4566.evil.example",
    "http://127.0.0.1:4566, http://127.0.0.1:4566",
  ].map((origin) => [[HOST, ["origin", origin]], "Origin"] as const),
  [[HOST, ["origin", "http://127.0.0.1:4566"], ["origin", "https://evil.example"]], "Origin"],
  ...["cross-site", "same-site", "", "none, cross-site"].map(
    (site) => [[HOST, ["sec-fetch-site", site]], "page of another origin"] as const,
  ),
];

const byNode = (headers: Headers): string | undefined => {
  const headersDistinct: Record<string, string[]> = {};
  for (const [name, value] of headers) (headersDistinct[name] ??= []).push(value);
  return refusal({ headersDistinct });
};

/** All cases in one run of Python. */
const PROGRAM = `
import json, sys
sys.path.insert(0, "scripts/emulator/server")
from guard import refusal
cases = json.load(sys.stdin)
print(json.dumps([refusal([(name.encode(), value.encode("latin-1")) for name, value in case]) for case in cases]))
`;
function byPython(cases: readonly Headers[]): readonly unknown[] {
  const input = JSON.stringify(cases);
  const output = execFileSync("python3", ["-B", "-c", PROGRAM], { input, encoding: "utf8" });
  return JSON.parse(output) as unknown[];
}

describe.each([
  ["the servers of scripts/", (cases: readonly Headers[]) => cases.map(byNode)],
  ["the emulator", byPython],
])("the guard of %s", (_, reasonsOf) => {
  it("lets programs, and pages of its own, in", () => {
    const reasons = reasonsOf(ACCEPTED);
    expect(ACCEPTED.filter((__, index) => (reasons[index] ?? null) !== null)).toEqual([]);
  });

  it("refuses pages of other origins, and names that can be pointed to this machine", () => {
    const reasons = reasonsOf(REFUSED.map(([headers]) => headers));
    const wrong = REFUSED.filter(([, reason], index) => reasons[index]?.toString().includes(reason) !== true);
    expect(wrong).toEqual([]);
  });
});
