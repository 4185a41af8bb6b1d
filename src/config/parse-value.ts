import { unreachable } from '../util/asserts';
import { parseLocation } from './location';
import { nearestName } from './nearest';
import type { OptionSpec } from './option-spec';
import type { ParseResult } from './parse-result';
import { absolutePath } from './paths';
import { formatBytes, formatDuration, parseBytes, parseDuration } from './quantities';

type SpecOf<T extends OptionSpec['type']> = Extract<OptionSpec, { type: T }>;

/**
 * Parses what code, a file, an environment variable or a flag gave for one option.
 * Text is taken for every type; a number or boolean as a file or code has it, too.
 */
export function parseValue(spec: OptionSpec, raw: unknown): ParseResult {
  switch (spec.type) {
    case 'duration':
      return parseDurationValue(spec, raw);
    case 'bytes':
      return parseBytesValue(spec, raw);
    case 'int':
      return parseInteger(spec, raw);
    case 'number':
      return parseNumber(spec, raw);
    case 'boolean':
      return parseBoolean(spec, raw);
    case 'enum':
      return parseEnum(spec, raw);
    case 'string':
      return parseString(spec, raw);
    case 'path':
      return parsePath(spec, raw);
    case 'location':
      return typeof raw === 'string' ? parseLocation(raw) : refused(spec, raw, 'a file:// or s3:// location');
    case 'list':
      return parseList(spec, raw);
    default:
      return unreachable(spec);
  }
}

function parseDurationValue(spec: SpecOf<'duration'>, raw: unknown): ParseResult {
  const min = spec.min ?? 0;
  const value = isText(raw) ? parseDuration(String(raw)) : undefined;
  if (value === undefined) return refused(spec, raw, "a duration such as '500 ms' or '10 min'");
  if (value < min) return refused(spec, raw, `at least ${formatDuration(min)}`);
  return { ok: true, value };
}

function parseBytesValue(spec: SpecOf<'bytes'>, raw: unknown): ParseResult {
  const min = spec.min ?? 0;
  const max = spec.max ?? Number.MAX_SAFE_INTEGER;
  const value = isText(raw) ? parseBytes(String(raw)) : undefined;
  if (value === undefined) return refused(spec, raw, "a size such as '64 mb' or '900 kb'");
  if (value < min) return refused(spec, raw, `at least ${formatBytes(min)}`);
  if (value > max) return refused(spec, raw, `at most ${formatBytes(max)}`);
  return { ok: true, value };
}

function parseInteger(spec: SpecOf<'int'>, raw: unknown): ParseResult {
  if (spec.unlimited === true && raw === 'unlimited') return { ok: true, value: null };
  const value = toNumber(raw);
  const orUnlimited = spec.unlimited === true ? ", or 'unlimited'" : '';
  if (value === undefined || !Number.isSafeInteger(value) || value < spec.min || value > spec.max) {
    return refused(spec, raw, `a whole number from ${spec.min} to ${spec.max}${orUnlimited}`);
  }
  return { ok: true, value };
}

function parseNumber(spec: SpecOf<'number'>, raw: unknown): ParseResult {
  const value = toNumber(raw);
  if (value === undefined || value < spec.min || value > spec.max) {
    return refused(spec, raw, `a number from ${spec.min} to ${spec.max}`);
  }
  return { ok: true, value };
}

function parseBoolean(spec: SpecOf<'boolean'>, raw: unknown): ParseResult {
  const word =
    typeof raw === 'boolean' ? String(raw) : typeof raw === 'string' ? raw.trim().toLowerCase() : '';
  if (word === 'true' || word === 'false') return { ok: true, value: word === 'true' };
  return refused(spec, raw, 'true or false');
}

function parseEnum(spec: SpecOf<'enum'>, raw: unknown): ParseResult {
  const word = typeof raw === 'string' ? raw.trim().toLowerCase() : '';
  const value = spec.values.find((one) => one.toLowerCase() === word);
  if (value !== undefined) return { ok: true, value };
  const synonym = Object.hasOwn(spec.synonyms ?? {}, word) ? spec.synonyms?.[word] : undefined;
  if (synonym !== undefined) {
    const notice = synonym.notice ? { notice: `'${word}' is taken for '${synonym.value}'` } : {};
    return { ok: true, value: synonym.value, ...notice };
  }
  const meant = nearestName(word, spec.values);
  const result = refused(spec, raw, `one of ${spec.values.join(', ')}`);
  return meant === undefined ? result : { ...result, hint: `did you mean '${meant}'?` };
}

function parseString(spec: SpecOf<'string'>, raw: unknown): ParseResult {
  // A file may hold a name that reads like a number, e.g. a password of digits.
  const text = typeof raw === 'number' ? String(raw) : raw;
  if (typeof text !== 'string' || text === '') return refused(spec, raw, spec.patternText ?? 'text');
  if (spec.pattern !== undefined && !spec.pattern.test(text))
    return refused(spec, raw, spec.patternText ?? 'text');
  return { ok: true, value: text };
}

function parsePath(spec: SpecOf<'path'>, raw: unknown): ParseResult {
  if (typeof raw !== 'string' || raw === '' || raw.includes('\0')) return refused(spec, raw, 'a path');
  return { ok: true, value: absolutePath(raw) };
}

function parseList(spec: SpecOf<'list'>, raw: unknown): ParseResult {
  const parts: unknown[] = typeof raw === 'string' ? raw.split(',') : Array.isArray(raw) ? raw : [];
  const values = parts.map((part) => (typeof part === 'string' ? part.trim() : ''));
  const wrong = values.find((value) => !spec.pattern.test(value));
  if (values.length === 0 || wrong !== undefined) return refused(spec, raw, spec.patternText);
  return { ok: true, value: values };
}

function isText(raw: unknown): raw is string | number {
  return typeof raw === 'string' || typeof raw === 'number';
}

function toNumber(raw: unknown): number | undefined {
  if (typeof raw === 'number') return Number.isFinite(raw) ? raw : undefined;
  if (typeof raw !== 'string' || !/^-?\d+(\.\d+)?$/.test(raw.trim())) return undefined;
  return Number(raw);
}

function refused(spec: OptionSpec, raw: unknown, expected: string): { ok: false; problem: string } {
  const shown = spec.secret === true ? 'is not' : `is ${show(raw)}`;
  return { ok: false, problem: `must be ${expected}, and ${shown}` };
}

function show(raw: unknown): string {
  if (raw === undefined || raw === null || raw === '') return 'empty';
  if (typeof raw === 'string') return `'${raw.length > 80 ? `${raw.slice(0, 80)}…` : raw}'`;
  if (typeof raw === 'number' || typeof raw === 'boolean' || typeof raw === 'bigint') return String(raw);
  if (Array.isArray(raw)) return raw.length === 0 ? 'empty' : `[${raw.map(show).join(', ')}]`;
  return `a ${typeof raw}`;
}
