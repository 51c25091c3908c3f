/** At most `max` UTF-16 units, the last of them an ellipsis when the text is longer. Never half a surrogate pair. */
export function truncate(text: string, max: number): string {
  if (text.length <= max) return text;
  const end = Math.max(0, max - 1);
  const kept = text.slice(0, end);
  return `${isHighSurrogate(kept.charCodeAt(end - 1)) ? kept.slice(0, -1) : kept}…`;
}

const isHighSurrogate = (unit: number): boolean => unit >= 0xd800 && unit <= 0xdbff;
