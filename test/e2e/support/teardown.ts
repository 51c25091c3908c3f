export { close as default } from "./setup";
