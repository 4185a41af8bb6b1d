const POLYNOMIAL = 0x82f63b78;
const SLICES = 16;
/** Below this many bytes a view costs more than it saves. */
const BYTEWISE_BELOW = 48;

/** Slice k at [256k, 256k + 256): the CRC of a byte followed by k zero bytes. One flat array keeps the loop free of loads. */
const TABLE = buildTable();

function buildTable(): Int32Array {
  const table = new Int32Array(SLICES * 256);
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ POLYNOMIAL : crc >>> 1;
    table[byte] = crc;
  }
  for (let entry = 256; entry < table.length; entry++) {
    const shorter = table[entry - 256]!;
    table[entry] = (shorter >>> 8) ^ table[shorter & 0xff]!;
  }
  return table;
}

/**
 * CRC-32C (Castagnoli, reflected; RFC 3720 appendix B.4) of `buffer[start, end)`, as an unsigned 32-bit number.
 * `before` is the CRC of bytes that lie before these elsewhere.
 * Slice-by-16 (Kounavis and Berry, "A Systematic Approach to Building High Performance Software-based CRC Generators").
 * A DataView reads words at any alignment and in a fixed byte order.
 */
export function crc32c(buffer: Uint8Array, start = 0, end = buffer.length, before = 0): number {
  let crc = ~before;
  let position = start;
  if (end - start >= BYTEWISE_BELOW) {
    const length = (end - start) & ~15;
    crc = words(new DataView(buffer.buffer, buffer.byteOffset + start, length), length, crc);
    position += length;
  }
  for (; position < end; position++) crc = (crc >>> 8) ^ TABLE[(crc ^ buffer[position]!) & 0xff]!;
  return ~crc >>> 0;
}

/** The running CRC (not yet inverted) of `length` bytes, a multiple of 16. */
function words(view: DataView, length: number, before: number): number {
  let crc = before;
  for (let at = 0; at < length; at += 16) {
    const a = crc ^ view.getInt32(at, true);
    const b = view.getInt32(at + 4, true);
    const c = view.getInt32(at + 8, true);
    const d = view.getInt32(at + 12, true);
    crc =
      TABLE[3840 + (a & 0xff)]! ^
      TABLE[3584 + ((a >>> 8) & 0xff)]! ^
      TABLE[3328 + ((a >>> 16) & 0xff)]! ^
      TABLE[3072 + (a >>> 24)]! ^
      TABLE[2816 + (b & 0xff)]! ^
      TABLE[2560 + ((b >>> 8) & 0xff)]! ^
      TABLE[2304 + ((b >>> 16) & 0xff)]! ^
      TABLE[2048 + (b >>> 24)]! ^
      TABLE[1792 + (c & 0xff)]! ^
      TABLE[1536 + ((c >>> 8) & 0xff)]! ^
      TABLE[1280 + ((c >>> 16) & 0xff)]! ^
      TABLE[1024 + (c >>> 24)]! ^
      TABLE[768 + (d & 0xff)]! ^
      TABLE[512 + ((d >>> 8) & 0xff)]! ^
      TABLE[256 + ((d >>> 16) & 0xff)]! ^
      TABLE[d >>> 24]!;
  }
  return crc;
}
