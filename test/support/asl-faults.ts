/** Faults of a state machine's definition, by asl-validator. */
import validate from "asl-validator";
import type { Machine } from "../../modules/asl/machine";

/** What asl-validator finds wrong with a machine: nothing, or a message each. */
export function aslFaultsOf(machine: Machine): readonly unknown[] {
  return validate(structuredClone(machine)).errors; // it changes what it is given
}
