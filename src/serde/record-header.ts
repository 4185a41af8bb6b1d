/** A record header as Kafka has it. */
export interface RecordHeader {
  readonly key: string;
  readonly value: Buffer | null;
}
