/** Versions of messages, compared exactly: whole numbers and decimals of any size, and times to any fraction of a second. */
import { withoutTrailingZeros } from "../../shared/json-text";

/** `-12.50e3`; also with leading zeros, as text. */
const NUMBER = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/;

/** RFC 3339, without leap seconds, which JavaScript does not have. */
const TIME = /^(\d{4}-\d\d-\d\d)(T\d\d:\d\d)(?:(:\d\d)(?:\.(\d+))?)?(Z|[+-]\d\d:\d\d)$/i;

/** Digits of a number's length in {@link orderOf}, and so the limit of it. */
const LENGTH_DIGITS = 4;

/** mantissa × 10^exponent */
interface Decimal {
  readonly mantissa: bigint;
  readonly exponent: bigint;
}

/** Text that sorts like the numbers and times do. A time counts as its epoch milliseconds. Undefined for any other text. */
export function versionOrder(text: string): string | undefined {
  const value = numberOf(text) ?? timeOf(text);
  return value && orderOf(value);
}

/** Whether it is a time, and a later one. Numbers may be anything. @param time epoch milliseconds */
export function isTimeAfter(text: string, time: number): boolean {
  const value = timeOf(text);
  return value !== undefined && (orderOf(value) ?? "") > (versionOrder(String(time)) ?? "");
}

function numberOf(text: string): Decimal | undefined {
  const [, sign = "", whole, fraction = "", exponent = "0"] = NUMBER.exec(text) ?? [];
  if (whole === undefined) return undefined;
  const mantissa = BigInt(whole + fraction);
  return {
    mantissa: sign === "" ? mantissa : -mantissa,
    exponent: BigInt(exponent.replace("+", "")) - BigInt(fraction.length),
  };
}

function timeOf(text: string): Decimal | undefined {
  const [, date = "", minute = "", second = "", fraction = "", offset = ""] = TIME.exec(text) ?? [];
  const milliseconds = Date.parse(`${date}${minute}${second}${offset}`.toUpperCase());
  // Date.parse takes 30 February for 2 March.
  const midnight = Date.parse(`${date}T00:00:00Z`);
  if (Number.isNaN(milliseconds) || new Date(midnight).toISOString().slice(0, 10) !== date) return undefined;
  const unit = 10n ** BigInt(fraction.length);
  return {
    mantissa: BigInt(milliseconds) * unit + BigInt(fraction === "" ? 0 : fraction) * 1_000n,
    exponent: -BigInt(fraction.length),
  };
}

/** The sign, the position of the first digit, and the digits. Those of negative numbers are inverted, to sort the other way round. */
function orderOf({ mantissa, exponent }: Decimal): string | undefined {
  if (mantissa === 0n) return "1";
  const digits = (mantissa < 0n ? -mantissa : mantissa).toString();
  const position = positionOrder(BigInt(digits.length) + exponent);
  if (position === undefined) return undefined;
  const size = position + withoutTrailingZeros(digits);
  return mantissa > 0n ? `2${size}` : `0${inverted(size)}~`; // "~" sorts after all digits
}

function positionOrder(position: bigint): string | undefined {
  const digits = (position < 0n ? -position : position).toString();
  const length = String(digits.length).padStart(LENGTH_DIGITS, "0");
  if (length.length > LENGTH_DIGITS) return undefined;
  return position < 0n ? `0${inverted(length + digits)}` : `1${length}${digits}`;
}

const inverted = (digits: string): string => digits.replace(/\d/g, (digit) => String(9 - Number(digit)));
