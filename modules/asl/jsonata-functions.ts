/** The functions of JSONata 2.0.6 without `$eval`, and those that Step Functions adds, with what they take. */

/** Letters of signatures that stand for one of several types. */
const ALTERNATIVES: Readonly<Record<string, string>> = { j: "ablnos", u: "blns", x: "abflnos" };

/**
 * A letter a parameter: Array (of what is in the angle brackets), Boolean, Function, Json (no function), Number, Object, String, or any (x).
 * `-` is the context when it is missing, `?` optional, `+` one or more, brackets alternatives.
 */
const PARAMETERS = new Map(
  (
    "abs:n- append:xx assert:bs? average:a<n> base64decode:s- base64encode:s- boolean:x- ceil:n- contains:s-(sf) count:a " +
    "decodeUrl:s- decodeUrlComponent:s- distinct:x each:o-f encodeUrl:s- encodeUrlComponent:s- error:s? exists:x filter:af " +
    "floor:n- formatBase:n-n? formatInteger:n-s formatNumber:n-so? fromMillis:n-s?s? hash:ss join:a<s>s? keys:x- length:s- " +
    "lookup:x-s lowercase:s- map:af match:s-fn? max:a<n> merge:a<o> millis: min:a<n> not:x- now:s?s? number:(nsb)- pad:s-ns? " +
    "parse:s parseInteger:s-s partition:an power:n-n random:n? range:nnn reduce:afj? replace:s-(sf)(sf)n? reverse:a " +
    "round:n-n? shuffle:a sift:o-f? single:af? sort:af? split:s-(sf)n? spread:x- sqrt:n- string:x-b? substring:s-nn? " +
    "substringAfter:s-s substringBefore:s-s sum:a<n> toMillis:s-s? trim:s- type:x uppercase:s- uuid: zip:a+"
  )
    .split(" ")
    .map((entry) => {
      const [name = "", parameters = ""] = entry.split(":");
      return [name, { inPath: patternOf(parameters), elsewhere: patternOf(parameters.replaceAll("-", "")) }] as const;
    }),
);

export function isFunction(name: string): boolean {
  return PARAMETERS.has(name);
}

/**
 * @param types of the arguments: a letter each, `?` where it is not known before the execution
 * @param hasContext within a path. Elsewhere, Step Functions has no context that could be an argument
 */
export function takes(name: string, types: string, hasContext: boolean): boolean {
  return PARAMETERS.get(name)?.[hasContext ? "inPath" : "elsewhere"].test(types) ?? true;
}

/** @param signature JSONata's, of a function that a machine defines: `<n-n?:n>` */
export function fits(signature: string, types: string): boolean {
  const [, parameters = ""] = /^<([^:]*)/.exec(signature) ?? [];
  return patternOf(parameters).test(types);
}

/** Functions whose result has a type in any case, by its letter. */
const RESULTS = new Map(
  Object.entries({
    b: "boolean contains exists not",
    n: "abs average ceil count floor length millis number parseInteger power random round sqrt sum toMillis",
    s: "base64decode base64encode formatBase formatInteger formatNumber fromMillis hash join lowercase now pad replace string substring substringAfter substringBefore trim type uppercase uuid",
  }).flatMap(([letter, names]) => names.split(" ").map((name) => [name, letter] as const)),
);

/** `?` where it depends on the arguments. */
export function returnType(name: string): string {
  return RESULTS.get(name) ?? "?";
}

/** Matches the types of arguments, as JSONata's own signatures do. */
function patternOf(parameters: string): RegExp {
  const patterns = [...parameters.matchAll(/(\([a-z]+\)|[a-z])(?:<([a-z])>)?([-?+]?)/g)].map(
    ([, letters = "", content, modifier = ""]) => {
      // A value is taken for an array of one.
      const one = letters === "a" ? (content ?? "abfjlnos") : (ALTERNATIVES[letters] ?? letters);
      const taken = `[?${letters === "a" ? "a" : ""}${one.replace(/[()]/g, "")}]`;
      return taken + (modifier === "-" ? "?" : modifier);
    },
  );
  return new RegExp(`^${patterns.join("")}$`);
}
