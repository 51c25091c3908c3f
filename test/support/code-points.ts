/** Text of any code points. */
import fc from "./fast-check";

const SURROGATES = { from: 0xd800, count: 0x800 } as const;
const LAST_CODE_POINT = 0x10ffff;

/** Of `fc.string`: the unit "binary" of fast-check, which lists all of them first, for a second in each file that uses it. */
export const anyCodePoint = fc
  .integer({ min: 0, max: LAST_CODE_POINT - SURROGATES.count })
  .map((index) => String.fromCodePoint(index < SURROGATES.from ? index : index + SURROGATES.count));
