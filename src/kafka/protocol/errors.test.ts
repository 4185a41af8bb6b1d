import { KAFKA_ERRORS, KafkaError, isRetriableKafkaError, kafkaErrorName } from './errors';

describe('Kafka error codes', () => {
  it('gives every named constant the name of the table', () => {
    for (const [name, code] of Object.entries(KafkaError)) expect(kafkaErrorName(code)).toBe(name);
  });

  it('has no code and no name twice', () => {
    const names = [...KAFKA_ERRORS.values()].map((error) => error.name);
    expect(new Set(names).size).toBe(names.length);
    expect(KAFKA_ERRORS.size).toBe(names.length);
    expect(Math.max(...KAFKA_ERRORS.keys())).toBeGreaterThanOrEqual(133);
  });

  it('tells errors that may be retried from those that may not', () => {
    expect(isRetriableKafkaError(KafkaError.NOT_COORDINATOR)).toBe(true);
    expect(isRetriableKafkaError(KafkaError.CONCURRENT_TRANSACTIONS)).toBe(true);
    expect(isRetriableKafkaError(KafkaError.PRODUCER_FENCED)).toBe(false);
    expect(isRetriableKafkaError(KafkaError.ILLEGAL_GENERATION)).toBe(false);
  });

  it('names codes that are newer than the table', () => {
    expect(kafkaErrorName(-1)).toBe('UNKNOWN_SERVER_ERROR');
    expect(kafkaErrorName(32000)).toBe('UNKNOWN_ERROR_CODE_32000');
    expect(isRetriableKafkaError(32000)).toBe(false);
  });
});
