import type { ByteWriter } from '../util/byte-writer';
import { cannotSerialize } from './serialize-error';

/**
 * Text that sorts as bytes and ends itself: UTF-8 with every NUL as 00 FF, closed by 00 01. The closing pair is below
 * every continuation, so a prefix sorts first. Byte order is code point order, which is not the order of JavaScript's
 * `<` for characters above U+FFFF.
 * Source: FoundationDB's tuple layer (strings) and CockroachDB's key encoding use the same escape.
 */
const ESCAPED_NUL = 0xff;
const TERMINATOR = 0x01;

/** Up to here a loop in JavaScript beats the call into Buffer.write (measured: 20 ns against 70 ns). */
const SHORT = 32;
const LONE_SURROGATE = /\p{Cs}/u;

/** Appends short plain ASCII without NUL. @returns false, with nothing appended, when the text is anything else. */
function writeShortAscii(text: string, out: ByteWriter): boolean {
  const length = text.length;
  if (length > SHORT) return false;
  out.reserve(length + 2);
  const buffer = out.buffer;
  let position = out.position;
  for (let i = 0; i < length; i++) {
    const code = text.charCodeAt(i);
    if (code === 0 || code > 0x7f) return false;
    buffer[position++] = code;
  }
  out.position = position;
  return true;
}

function writeAnyText(text: string, out: ByteWriter): void {
  // UTF-8 would turn every lone surrogate into U+FFFD, and distinct keys into one.
  if (LONE_SURROGATE.test(text))
    throw cannotSerialize('key', 'the string has a lone surrogate, which has no UTF-8 form');
  let from = 0;
  for (let nul = text.indexOf('\0'); nul !== -1; nul = text.indexOf('\0', from)) {
    out.utf8(text.slice(from, nul));
    out.u8(0);
    out.u8(ESCAPED_NUL);
    from = nul + 1;
  }
  out.utf8(from === 0 ? text : text.slice(from));
}

export function writeOrderedText(text: string, out: ByteWriter): void {
  if (!writeShortAscii(text, out)) writeAnyText(text, out);
  out.reserve(2);
  out.buffer[out.position++] = 0;
  out.buffer[out.position++] = TERMINATOR;
}

/** Where the text that begins at `start` ends: the position of its closing pair, or -1 when it is cut off or damaged. */
export function orderedTextEnd(buffer: Buffer, start: number, end: number): number {
  for (let at = start; at < end - 1; at++) {
    if (buffer[at] !== 0) continue;
    const next = buffer[at + 1];
    if (next === TERMINATOR) return at;
    if (next !== ESCAPED_NUL) return -1;
    at++;
  }
  return -1;
}

/** The text between `start` and its closing pair at `terminator`. */
export function readOrderedText(buffer: Buffer, start: number, terminator: number): string {
  const raw = buffer.toString('utf8', start, terminator);
  if (!raw.includes('\0')) return raw;
  return unescapeNuls(buffer.subarray(start, terminator));
}

function unescapeNuls(escaped: Buffer): string {
  const plain = Buffer.allocUnsafe(escaped.length);
  let length = 0;
  for (let at = 0; at < escaped.length; at++) {
    const byte = escaped.readUInt8(at);
    plain[length++] = byte;
    if (byte === 0) at++;
  }
  return plain.toString('utf8', 0, length);
}
