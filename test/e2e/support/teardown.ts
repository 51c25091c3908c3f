/** Stops the system that setup.ts has started. */
export { close as default } from "./setup";
