/** `npm run stop`: stops what `npm start` has started. */
import { DEFAULT_HOME, homeAt } from "../emulator/home";
import { stopLocal } from "../local/stop";
import { npmCommand } from "../shared/command-line";

const { home } = npmCommand("npm run stop --", "Stops what npm start has started on this machine, and nothing else.")
  .option("--home <folder>", "the folder that was given to npm start", DEFAULT_HOME)
  .parse()
  .opts<{ home: string }>();

void stopLocal(homeAt(home)).then((stopped) => {
  console.log(stopped === undefined ? "Almanac was not running here." : `Stopped what ran at ${stopped.endpoint}.`);
});
