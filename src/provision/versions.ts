/** The oldest Apache Kafka that the project supports. */
export const OLDEST_KAFKA_VERSION = '3.9.1';

/** The oldest Java that Kafka 4 brokers run on. */
export const OLDEST_JAVA = 17;

/**
 * Feature release of a Java from what `java -version` prints: 17 of `openjdk version "17.0.15"`, 8 of `"1.8.0_402"`,
 * 24 of `"24-ea"`; undefined when there is none.
 */
export function parseJavaVersion(printed: string): number | undefined {
  const match = /version "(?:1\.)?(\d+)/.exec(printed);
  return match === null ? undefined : Number(match[1]);
}

/** `[major, minor, patch]` of `4.4.0`; undefined when `text` is not of that form. */
export function parseKafkaVersion(text: string): [number, number, number] | undefined {
  const match = /^(\d{1,4})\.(\d{1,4})\.(\d{1,4})$/.exec(text);
  return match === null ? undefined : [Number(match[1]), Number(match[2]), Number(match[3])];
}

/** Whether `text` names a Kafka release that can be provided. */
export function isSupportedKafkaVersion(text: string): boolean {
  const version = parseKafkaVersion(text);
  const oldest = parseKafkaVersion(OLDEST_KAFKA_VERSION);
  if (version === undefined || oldest === undefined) return false;
  for (const [index, part] of version.entries()) {
    const least = oldest[index] ?? 0;
    if (part !== least) return part > least;
  }
  return true;
}
