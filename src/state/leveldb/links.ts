import type { Marker } from '../../epoch/protocol/recovery-plan';

/**
 * The chain that makes a LevelDB store checkable (PROTOCOL C1, HAZARDS): LevelDB opens without an error when its log
 * lost a block, and then misses whole epochs in the middle. So every batch that we write carries one numbered link;
 * at open the links must be complete from the oldest that the newest knows of. Links are kept at least as long as
 * their batch can be in LevelDB's log; what is in table files is checksummed and immutable.
 */
export interface Link {
  readonly seq: number;
  /** Oldest link that was kept when this one was written. */
  readonly oldest: number;
  /** On the last batch of an epoch. */
  readonly marker: Marker | null;
}

export const LINK_PREFIX = 2;

export function linkKey(seq: number): Buffer {
  const key = Buffer.alloc(9);
  key[0] = LINK_PREFIX;
  key.writeBigUInt64BE(BigInt(seq), 1);
  return key;
}

export function encodeLink(link: Link): Buffer {
  return Buffer.from(JSON.stringify(link));
}

export type ChainVerdict =
  | { readonly kind: 'empty' }
  | { readonly kind: 'broken'; readonly reason: string }
  | {
      readonly kind: 'intact';
      readonly newest: number;
      readonly oldest: number;
      readonly marker: Marker | null;
    };

/** Judges the links of a store, in key order. Pure. */
export function judgeChain(
  entries: readonly { key: Buffer; value: Buffer }[],
  hasData: boolean,
): ChainVerdict {
  if (entries.length === 0) {
    return hasData ? { kind: 'broken', reason: 'it has data but no marker' } : { kind: 'empty' };
  }
  let expected = -1;
  let marker: Marker | null = null;
  let newest: Link | null = null;
  let first = -1;
  for (const { key, value } of entries) {
    const link = parseLink(value);
    if (link === null) return { kind: 'broken', reason: 'a marker cannot be read' };
    if (Number(key.readBigUInt64BE(1)) !== link.seq)
      return { kind: 'broken', reason: 'a marker is misplaced' };
    if (expected >= 0 && link.seq !== expected) {
      return { kind: 'broken', reason: `markers ${expected} to ${link.seq - 1} are missing` };
    }
    if (first < 0) first = link.seq;
    expected = link.seq + 1;
    newest = link;
    if (link.marker !== null) marker = link.marker;
  }
  if (newest === null || first > newest.oldest) {
    return { kind: 'broken', reason: `markers ${String(newest?.oldest)} to ${first - 1} are missing` };
  }
  return { kind: 'intact', newest: newest.seq, oldest: first, marker };
}

function parseLink(value: Buffer): Link | null {
  try {
    const link = JSON.parse(value.toString('utf8')) as Link;
    return Number.isSafeInteger(link.seq) && Number.isSafeInteger(link.oldest) ? link : null;
  } catch {
    return null;
  }
}
