import { delimiter } from "node:path";
import { dockerArguments, emulatorEnvironment } from "../../../scripts/emulator/run";

const options = {
  port: 4566,
  endsWithUs: false,
  state: { file: "/home/state/emulator.state", about: { port: 4566, version: "1.2.3", digest: "d" } },
};

describe("the emulator's process", () => {
  it("sees nothing of this machine's environment: all it sees, Lambda functions see", () => {
    process.env["HTTPS_PROXY"] = "http://proxy";
    process.env["AWS_PROFILE"] = "production";
    expect(Object.keys(emulatorEnvironment("/home/tmp", process.execPath)).sort()).toEqual(
      [
        "AWS_DEFAULT_REGION",
        "AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED",
        "HOME",
        "LANG",
        "MINISTACK_REGION",
        "PATH",
        "PYTHONUNBUFFERED",
        "TMPDIR",
      ].sort(),
    );
    delete process.env["HTTPS_PROXY"];
    delete process.env["AWS_PROFILE"];
  });

  it("has of the PATH the folders of the system, and Node's", () => {
    const { PATH = "" } = emulatorEnvironment("/home/tmp", "/opt/node/bin/node");
    expect(PATH.split(delimiter)).toEqual(["/opt/node/bin", "/usr/local/bin", "/usr/bin", "/bin"]);
  });

  it("gets its keys into a container without showing them in the list of processes", () => {
    const args = dockerArguments("ministackorg/ministack:1.2.3", "almanac-4566", options);
    expect(args.flatMap((arg, index) => (arg === "--env" ? [args[index + 1]] : []))).toEqual(
      expect.arrayContaining(["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"]),
    );
  });

  it("is published on loopback only when it is a container", () => {
    const args = dockerArguments("ministackorg/ministack:1.2.3", "almanac-4566", options);
    expect(args.flatMap((arg, index) => (arg === "--publish" ? [args[index + 1]] : []))).toEqual([
      "127.0.0.1:4566:4566",
    ]);
  });

  it("records calls in a container into the same file", () => {
    const args = dockerArguments("ministackorg/ministack:1.2.3", "almanac-4566", {
      ...options,
      calls: "/home/calls.ndjson",
    });
    expect(args).toEqual(expect.arrayContaining(["--volume", "/home:/calls", "--record-calls", "/calls/calls.ndjson"]));
  });

  it("keeps its state in the home of this machine when it is a container", () => {
    const args = dockerArguments("ministackorg/ministack:1.2.3", "almanac-4566", options);
    expect(args).toEqual(
      expect.arrayContaining(["--volume", "/home/state:/state", "--state", "/state/emulator.state"]),
    );
  });
});
