/** `almanac timers pause <id>`: pauses a timer, or all with a prefix. */
import { enableCommand } from "../../features/timers/enable-command";

export const command = () =>
  enableCommand("pause", "Pauses a timer until it is resumed: its fires are left out, also those that are queued.");
