/** `almanac workflows reject <task>`: fails a task that waits for a person. */
import { decisionCommand } from "../../features/workflows/decision-command";

export const command = () =>
  decisionCommand("rejected", {
    description: "Rejects a task that waits for a person, and shows it. Its state fails with Rejected.",
    examples: ["npx almanac workflows reject order-2 --workflow refund --comment 'no receipt'"],
  });
