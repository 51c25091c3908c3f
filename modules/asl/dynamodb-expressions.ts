/** Reads DynamoDB's expressions as far as to say why it would refuse one. No I/O. */

/** Why DynamoDB would refuse an expression; completes the sentence "the state ...". */
export function syntaxFault(name: string, text: string, fields: ExpressionFields): string | undefined {
  try {
    const reader = new Reader(text, fields);
    if (name === "UpdateExpression") reader.update();
    else if (name === "ProjectionExpression") reader.list(() => reader.path());
    else reader.condition();
    reader.end();
    return undefined;
  } catch (error) {
    if (error instanceof ExpressionError) return `has a${name.startsWith("U") ? "n" : ""} ${name} ${error.message}`;
    throw error;
  }
}

export interface ExpressionFields {
  /** Attributes of the key, which an update does not change. */
  readonly key: readonly string[];
  /** Of the attributes that an expression calls `#name`. */
  readonly names: Readonly<Record<string, unknown>>;
}

class ExpressionError extends Error {
  override readonly name = "ExpressionError";
}

const TOKEN = /\s*(<=|>=|<>|[=<>()[\],.+-]|[#:]?\w+|\S)/gy;
const COMPARATORS = new Set(["=", "<>", "<", "<=", ">", ">="]);
const CLAUSES = new Set(["SET", "REMOVE", "ADD", "DELETE"]);

/** By how many arguments they take. Of one, it is a path. */
const CONDITIONS = new Map([
  ["attribute_exists", 1],
  ["attribute_not_exists", 1],
  ["attribute_type", 2],
  ["begins_with", 2],
  ["contains", 2],
]);

class Reader {
  private readonly tokens: readonly string[];
  private at = 0;

  constructor(
    text: string,
    private readonly fields: ExpressionFields,
  ) {
    this.tokens = [...text.trimEnd().matchAll(TOKEN)].map(([, token = ""]) => token);
  }

  end(): void {
    if (this.at < this.tokens.length) this.refuse();
  }

  condition(): void {
    do {
      do this.term();
      while (this.take("AND"));
    } while (this.take("OR"));
  }

  private term(): void {
    if (this.take("NOT")) {
      this.term();
      return;
    }
    if (this.inParentheses()) return;
    const count = CONDITIONS.get(this.peek());
    if (count !== undefined && this.tokens[this.at + 1] === "(") {
      this.at += 2;
      if (count === 1) this.path();
      else {
        this.operand();
        this.expect(",");
        this.operand();
      }
      this.expect(")");
      return;
    }
    this.operand();
    if (COMPARATORS.has(this.peek())) {
      this.at += 1;
      this.operand();
    } else if (this.take("BETWEEN")) {
      this.operand();
      this.expect("AND");
      this.operand();
    } else {
      this.expect("IN");
      this.expect("(");
      this.list(() => {
        this.operand();
      });
      this.expect(")");
    }
  }

  /** Whether a condition in parentheses follows; otherwise it may be an operand in some. */
  private inParentheses(): boolean {
    const start = this.at;
    if (!this.take("(")) return false;
    try {
      this.condition();
      this.expect(")");
      return true;
    } catch (error) {
      if (!(error instanceof ExpressionError)) throw error;
      this.at = start;
      return false;
    }
  }

  private operand(): void {
    if (this.take("(")) {
      this.operand();
      this.expect(")");
    } else if (this.peek() === "size" && this.tokens[this.at + 1] === "(") {
      this.at += 2;
      this.path();
      this.expect(")");
    } else if (!this.value()) this.path();
  }

  update(): void {
    const clauses = new Set<string>();
    const changed: (readonly string[])[] = [];
    do {
      const clause = this.peek().toUpperCase();
      if (!CLAUSES.has(clause)) this.refuse();
      if (clauses.has(clause)) throw new ExpressionError(`with two ${clause} clauses`);
      clauses.add(clause);
      this.at += 1;
      this.list(() => {
        changed.push(this.path());
        if (clause === "SET") {
          this.expect("=");
          this.sum();
        } else if (clause !== "REMOVE" && !this.value()) this.refuse();
      });
    } while (this.at < this.tokens.length);
    for (const [index, path] of changed.entries()) {
      if (this.fields.key.includes(path[0] ?? ""))
        throw new ExpressionError(`that changes ${path[0]}, a part of the key`);
      if (changed.slice(0, index).some((other) => overlap(path, other)))
        throw new ExpressionError(`that changes ${path.join(".")} twice`);
    }
  }

  private sum(): void {
    this.setValue();
    if (this.take("+") || this.take("-")) this.setValue();
  }

  /** @param isArgument of a function, which takes neither a sum nor list_append */
  private setValue(isArgument = false): void {
    if (!isArgument && this.take("(")) {
      this.sum();
      this.expect(")");
      return;
    }
    const call = this.tokens[this.at + 1] === "(" ? this.peek() : "";
    if (call !== "if_not_exists" && call !== "list_append") {
      if (!this.value()) this.path();
      return;
    }
    if (isArgument && call === "list_append") throw new ExpressionError("with list_append within a function");
    this.at += 2;
    if (call === "if_not_exists") this.path();
    else this.setValue(true);
    this.expect(",");
    this.setValue(true);
    this.expect(")");
  }

  /** Its names and positions. */
  path(): readonly string[] {
    const parts = [this.name()];
    for (;;) {
      if (this.take(".")) parts.push(this.name());
      else if (this.take("[")) {
        if (!/^\d+$/.test(this.peek())) this.refuse();
        parts.push(this.peek());
        this.at += 1;
        this.expect("]");
      } else return parts;
    }
  }

  private name(): string {
    const token = this.peek();
    if (!/^(#\w+|[A-Za-z_]\w*)$/.test(token)) this.refuse();
    this.at += 1;
    return token.startsWith("#") ? String(this.fields.names[token]) : token;
  }

  private value(): boolean {
    const isValue = /^:\w+$/.test(this.peek());
    if (isValue) this.at += 1;
    return isValue;
  }

  list(item: () => void): void {
    do item();
    while (this.take(","));
  }

  private peek(): string {
    return this.tokens[this.at] ?? "";
  }

  private take(token: string): boolean {
    const isNext = this.peek().toUpperCase() === token;
    if (isNext) this.at += 1;
    return isNext;
  }

  private expect(token: string): void {
    if (!this.take(token)) this.refuse();
  }

  private refuse(): never {
    const place = this.tokens.slice(this.at, this.at + 3).join(" ");
    throw new ExpressionError(place === "" ? "that ends too early" : `that is wrong at ${place}`);
  }
}

function overlap(a: readonly string[], b: readonly string[]): boolean {
  return a.slice(0, b.length).every((part, index) => part === b[index]);
}
