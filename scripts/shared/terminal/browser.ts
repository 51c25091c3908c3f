/** Opens addresses in the machine's browser. */
import { spawn } from "node:child_process";

const OPENERS: Readonly<Record<string, readonly string[]>> = {
  darwin: ["open"],
  win32: ["cmd", "/c", "start", ""],
  linux: ["xdg-open"],
};

/** Opens an address or a file in the browser, if the machine has one. Never fails: the caller has printed the address. */
export function openInBrowser(url: string): void {
  const [file, ...args] = OPENERS[process.platform] ?? [];
  if (file === undefined) return;
  const opener = spawn(file, [...args, url], { stdio: "ignore", detached: true });
  opener.on("error", () => undefined);
  opener.unref();
}
