/** Reads each object once. Of objects that never change. */
export function oncePerObject<Key extends object, T>(read: (object: Key) => T): (object: Key) => T {
  const known = new WeakMap<Key, { readonly value: T }>();
  return (object) => {
    const found = known.get(object) ?? { value: read(object) };
    known.set(object, found);
    return found.value;
  };
}
