import { interpreterOf, isRecentEnough } from "../../../scripts/emulator/python";

it.each([
  ["a usual one", "#!/usr/bin/python3\nimport sys\n", "/usr/bin/python3"],
  ["pipx", "#!/home/ada/.local/pipx/venvs/ministack/bin/python\n", "/home/ada/.local/pipx/venvs/ministack/bin/python"],
  [
    "a path too long for the kernel",
    "#!/bin/sh\n'''exec' /very/long/bin/python3.12 \"$0\" \"$@\"\n",
    "/very/long/bin/python3.12",
  ],
  ["a path with a blank", "#!/bin/sh\n'''exec' '/with a/bin/python' \"$0\"\n", "/with a/bin/python"],
  ["a shell script", "#!/usr/bin/env bash\nset -e\n", undefined],
])("reads the Python behind a command of pip's: %s", (_, script, python) => {
  expect(interpreterOf(script)).toBe(python);
});

it.each([
  ["3.9", false],
  ["3.10", true],
  ["3.14", true],
  ["2.7", false],
])("takes Python %s: %s", (version, enough) => {
  expect(isRecentEnough(version)).toBe(enough);
});
