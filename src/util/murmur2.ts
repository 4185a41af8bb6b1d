const SEED = 0x9747b28c | 0;
const M = 0x5bd1e995;

/**
 * The 32-bit murmur2 of `buffer[start, end)` as a signed int32, with Kafka's seed: the same values as
 * `org.apache.kafka.common.utils.Utils.murmur2`, which places keys in the Java client's default partitioner.
 */
export function murmur2(buffer: Uint8Array, start = 0, end = buffer.length): number {
  const length = end - start;
  let hash = SEED ^ length;
  let position = start;
  for (const whole = end - (length & 3); position < whole; position += 4) {
    const word =
      buffer[position]! |
      (buffer[position + 1]! << 8) |
      (buffer[position + 2]! << 16) |
      (buffer[position + 3]! << 24);
    const mixed = Math.imul(word, M);
    hash = Math.imul(hash, M) ^ Math.imul(mixed ^ (mixed >>> 24), M);
  }
  const left = end - position;
  if (left === 3) hash ^= buffer[position + 2]! << 16;
  if (left >= 2) hash ^= buffer[position + 1]! << 8;
  if (left >= 1) hash = Math.imul(hash ^ buffer[position]!, M);
  hash = Math.imul(hash ^ (hash >>> 13), M);
  return hash ^ (hash >>> 15);
}

/** Clears the sign bit, as Kafka's `Utils.toPositive` does (not the absolute value). */
export function toPositive(hash: number): number {
  return hash & 0x7fffffff;
}

/** The partition, 0 to `partitions` - 1, that Kafka's default partitioner gives a key of `buffer[start, end)`. */
export function partitionForKey(buffer: Uint8Array, start: number, end: number, partitions: number): number {
  return toPositive(murmur2(buffer, start, end)) % partitions;
}
