import { assert } from '../util/asserts';
import { murmur2, toPositive } from '../util/murmur2';

/**
 * The key group of an encoded key: `murmur2(bytes[start, end)) mod maxParallelism`, in [0, maxParallelism).
 * Durable: stored state is sorted by it, so neither the hash nor a job's maxParallelism changes.
 */
export function keyGroupOf(bytes: Uint8Array, start: number, end: number, maxParallelism: number): number {
  return toPositive(murmur2(bytes, start, end)) % maxParallelism;
}

/**
 * The shuffle partition (= task) that owns a key group: contiguous ranges, as even as they can be.
 * Source: Flink's KeyGroupRangeAssignment.computeOperatorIndexForKeyGroup.
 *
 * @param keyGroup in [0, maxParallelism)
 * @param parallelism number of shuffle partitions, at most maxParallelism: beyond it some would own nothing
 */
export function partitionOfKeyGroup(keyGroup: number, maxParallelism: number, parallelism: number): number {
  assert(parallelism >= 1 && parallelism <= maxParallelism, 'parallelism is between 1 and maxParallelism');
  assert(keyGroup >= 0 && keyGroup < maxParallelism, 'a key group is below maxParallelism');
  return Math.floor((keyGroup * parallelism) / maxParallelism);
}
