import fc from 'fast-check';
import type { CompressionName } from '../../../src/kafka/codec/types';

/** A record as the generator makes it; it is the same record every time it is written. */
export interface GeneratedRecord {
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  readonly headers: readonly { readonly key: string; readonly value: Uint8Array | null }[];
  /** Milliseconds around the batch's time. */
  readonly timeShift: number;
}

export interface GeneratedBatch {
  readonly records: readonly GeneratedRecord[];
  readonly compression: CompressionName;
}

/** Transactional producers of a program. */
export const PRODUCERS = 3;
/** Idempotent ones: the last batch of each stays when the cleaner has emptied it. */
export const IDEMPOTENT = 4;

export type Step =
  /** By an idempotent producer, or by none: null. */
  | { readonly kind: 'plain'; readonly batch: GeneratedBatch; readonly idempotent: number | null }
  /** The records in a batch each. */
  | { readonly kind: 'tiny'; readonly batch: GeneratedBatch }
  /** Begins a transaction when none is open. */
  | { readonly kind: 'send'; readonly producer: number; readonly batch: GeneratedBatch }
  | { readonly kind: 'end'; readonly producer: number; readonly committed: boolean }
  /** Somebody takes the id over: what was open is aborted. */
  | { readonly kind: 'takeover'; readonly producer: number }
  /** Part of what the log holds, from its start. */
  | { readonly kind: 'delete-records'; readonly share: number }
  /** Closes the segment, so that it may be cleaned. */
  | { readonly kind: 'roll' };

export interface Program {
  readonly compacted: boolean;
  readonly steps: readonly Step[];
  /** Of a Fetch, for the reading in small pieces. */
  readonly fetchBytes: number;
  /** Where a second reading begins, as a share of what the log holds. */
  readonly startShare: number;
  /** Leaves open transactions open: a committed reader stops before them. */
  readonly leaveOpen: boolean;
}

const ZERO_KEY = new Uint8Array(4);
const COMMIT_KEY = new Uint8Array([0, 0, 0, 1]);

function keys(compacted: boolean): fc.Arbitrary<Uint8Array | null> {
  const few = fc.constantFrom('a', 'b', 'c', 'd').map((text) => new TextEncoder().encode(text));
  const marked = fc.constantFrom(ZERO_KEY, COMMIT_KEY, new Uint8Array(0));
  const other = fc.uint8Array({ maxLength: 20 });
  // A compacted topic takes no record without key.
  const choices = [
    { weight: 5, arbitrary: few },
    { weight: 3, arbitrary: marked },
    { weight: 2, arbitrary: other },
  ];
  return compacted ? fc.oneof(...choices) : fc.oneof({ weight: 2, arbitrary: fc.constant(null) }, ...choices);
}

const values: fc.Arbitrary<Uint8Array | null> = fc.oneof(
  { weight: 12, arbitrary: fc.constant(null) },
  { weight: 6, arbitrary: fc.constant(new Uint8Array(0)) },
  { weight: 40, arbitrary: fc.uint8Array({ maxLength: 60 }) },
  { weight: 8, arbitrary: filled(fc.integer({ min: 1_000, max: 9_000 })) },
  { weight: 1, arbitrary: filled(fc.integer({ min: 30_000, max: 150_000 })) },
);

/** Compresses well, and differs. */
function filled(length: fc.Arbitrary<number>): fc.Arbitrary<Uint8Array> {
  return fc
    .tuple(length, fc.nat(255))
    .map(([size, first]) => Uint8Array.from({ length: size }, (_, i) => first ^ (i >> 5)));
}

const headers = fc.oneof(
  { weight: 3, arbitrary: fc.constant([]) },
  {
    weight: 1,
    arbitrary: fc.array(
      fc.record({
        key: fc.constantFrom('', 'h', 'ü-header', 'twice'),
        value: fc.oneof(fc.constant(null), fc.uint8Array({ maxLength: 12 })),
      }),
      { minLength: 1, maxLength: 3 },
    ),
  },
);

const codecs = fc.constantFrom<CompressionName>('none', 'gzip', 'snappy', 'lz4', 'zstd');

function batches(compacted: boolean): fc.Arbitrary<GeneratedBatch> {
  const record = fc.record({
    key: keys(compacted),
    value: values,
    headers,
    timeShift: fc.integer({ min: -1_000, max: 1_000 }),
  });
  const records = fc.oneof(
    { weight: 4, arbitrary: fc.array(record, { minLength: 1, maxLength: 4 }) },
    { weight: 1, arbitrary: fc.array(record, { minLength: 20, maxLength: 60 }) },
  );
  return fc.record({ records, compression: codecs });
}

function steps(compacted: boolean): fc.Arbitrary<Step> {
  const batch = batches(compacted);
  const producer = fc.nat(PRODUCERS - 1);
  const of = <K extends Step['kind'], T>(kind: K, rest: fc.Arbitrary<T>): fc.Arbitrary<{ kind: K } & T> =>
    rest.map((fields) => ({ kind, ...fields }));
  return fc.oneof(
    {
      weight: 3,
      arbitrary: of('plain', fc.record({ batch, idempotent: fc.option(fc.nat(IDEMPOTENT - 1)) })),
    },
    { weight: 1, arbitrary: of('tiny', fc.record({ batch })) },
    { weight: 9, arbitrary: of('send', fc.record({ producer, batch })) },
    { weight: 5, arbitrary: of('end', fc.record({ producer, committed: fc.boolean() })) },
    { weight: 1, arbitrary: of('takeover', fc.record({ producer })) },
    {
      weight: 1,
      arbitrary: of(
        'delete-records',
        fc.record({ share: fc.integer({ min: 5, max: 60 }).map((percent) => percent / 100) }),
      ),
    },
    { weight: compacted ? 2 : 1, arbitrary: fc.constant({ kind: 'roll' as const }) },
  );
}

/** Programs of producers that make nasty topics. */
export const programs: fc.Arbitrary<Program> = fc.boolean().chain((compacted) =>
  fc.record({
    compacted: fc.constant(compacted),
    steps: fc.array(steps(compacted), { minLength: 8, maxLength: 40, size: 'max' }),
    fetchBytes: fc.integer({ min: 200, max: 20_000 }),
    startShare: fc.integer({ min: 0, max: 100 }).map((percent) => percent / 100),
    leaveOpen: fc.boolean(),
  }),
);
