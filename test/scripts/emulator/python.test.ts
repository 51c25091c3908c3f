import { interpreterOf, isRecentEnough, pythonInstallation } from "../../../scripts/emulator/python";

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

it.each([
  ["linux", 'PRETTY_NAME="Debian"\nID=debian\n', false, "sudo apt-get install -y python3 python3-venv"],
  ["linux", 'ID=linuxmint\nID_LIKE="ubuntu debian"\n', true, "apt-get install -y python3 python3-venv"],
  ["linux", 'ID="amzn"\nID_LIKE="fedora"\n', false, "sudo dnf install -y python3.12"],
  ["linux", "ID=alpine\n", true, "apk add python3"],
  ["linux", "ID=nixos\n", false, "https://www.python.org/downloads/"],
  ["darwin", "", false, "brew install python"],
  ["win32", "", false, "winget install Python.Python.3.13"],
] as const)("is installed on %s, %j (root: %s), by %s", (platform, release, isRoot, command) => {
  expect(pythonInstallation(platform, release, isRoot)).toBe(command);
});
