export type ParsedValue = string | number | boolean | readonly string[] | null;

export type ParseResult =
  | { readonly ok: true; readonly value: ParsedValue; readonly notice?: string }
  /** `problem` completes "<option> …"; it never holds the value of a secret. */
  | { readonly ok: false; readonly problem: string; readonly hint?: string };
