/** Before all browser tests: a browser. */
import { ensureChromium } from "../support/chromium";

export default async function setup(): Promise<void> {
  process.env["CHROMIUM_PATH"] = await ensureChromium();
}
