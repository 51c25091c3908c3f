/** Looks names up that people and programs choose. Pure. */

/** A record's own value. Without this check `constructor`, as a name, finds Object.prototype's. */
export function ownValue<Value>(record: Readonly<Record<string, Value>>, name: string): Value | undefined {
  return Object.hasOwn(record, name) ? record[name] : undefined;
}
