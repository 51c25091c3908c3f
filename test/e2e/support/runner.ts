/** Runs the end-to-end suites on the one deployed system: most of them side by side, since they mostly wait. */
import { basename } from "node:path";
import TestRunner from "jest-runner";

type RunTests = Parameters<TestRunner["runTests"]>;
type Test = RunTests[0][number];

/** Phases run one after the other; the lanes of a phase side by side; the suites of a lane in order. */
const PHASES: readonly (readonly (readonly string[])[])[] = [
  [
    ["exports"],
    // Then the documents' commands for pipelines: Slack fails on purpose before.
    ["pipelines", "documentation-pipelines", "console"],
    // Lists all timers, thousands of which `timers` puts.
    ["timers-api", "timers"],
    // Changes what `heartbeats` expects of the targets.
    // Then a hundred concurrent starts, once the other lanes mostly wait.
    ["heartbeats", "incidents", "workflows"],
    ["modules", "start", "web-pages"],
    // Emulators of their own. Then the documents' commands, which put timers: `timers-api` has listed all by then.
    ["kept-state", "http-server", "documentation"],
    // Then emulators of their own, without a deployment.
    ["rehearsal", "clock", "executions", "live"],
    // Timers of a callback of its own: no crowd delays it.
    ["schedules", "timers-policies", "marked-input"],
  ],
  // They move the clock of all suites: when no other runs.
  [["later", "timers-silent"]],
  // Evaluates the calls of all suites before it.
  [["least-privilege", "destroy"]],
];

const suiteOf = ({ path }: Test): string => basename(path, ".test.ts");

export default class LaneRunner extends TestRunner {
  constructor(...[globalConfig, ...rest]: ConstructorParameters<typeof TestRunner>) {
    // Each lane is a run of its own, with one worker. SDK clients keep connections open for some seconds.
    super({ ...globalConfig, maxWorkers: 1, workerGracefulExitTimeout: 5_000 }, ...rest);
  }

  override async runTests(tests: Test[], watcher: RunTests[1]): Promise<void> {
    const known = new Set(PHASES.flat(2));
    const unknown = tests.map(suiteOf).filter((suite) => !known.has(suite));
    if (unknown.length > 0) throw new Error(`Add to the phases in ${__filename}: ${unknown.join(", ")}`);

    for (const lanes of PHASES) {
      await Promise.all(
        lanes.map(async (suites) => {
          for (const suite of suites)
            for (const test of tests.filter((each) => suiteOf(each) === suite))
              await super.runTests([test], watcher, { serial: false });
        }),
      );
    }
  }
}
