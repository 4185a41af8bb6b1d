import { isSupportedKafkaVersion, parseJavaVersion, parseKafkaVersion } from './versions';

describe('parseJavaVersion', () => {
  it.each([
    ['openjdk version "17.0.15" 2025-04-15\nOpenJDK Runtime Environment', 17],
    ['java version "1.8.0_402"', 8],
    ['openjdk version "24-ea" 2025-03-18', 24],
    ['openjdk version "21" 2023-09-19', 21],
    ['Picked up JAVA_TOOL_OPTIONS: -Xmx1g\nopenjdk version "11.0.2"', 11],
  ])('%s', (printed, release) => {
    expect(parseJavaVersion(printed)).toBe(release);
  });

  it('finds none in other text', () => {
    expect(parseJavaVersion('java: command not found')).toBeUndefined();
  });
});

describe('Kafka versions', () => {
  it('takes three numbers and nothing else', () => {
    expect(parseKafkaVersion('3.9.1')).toEqual([3, 9, 1]);
    for (const text of ['4.4', '4.4.0-rc1', 'latest', '', '4.4.0/../x']) {
      expect(parseKafkaVersion(text)).toBeUndefined();
    }
  });

  it.each([
    ['3.9.1', true],
    ['3.9.10', true],
    ['3.10.0', true],
    ['4.0.0', true],
    ['4.4.0', true],
    ['3.9.0', false],
    ['3.8.9', false],
    ['2.10.5', false],
    ['four', false],
  ])('%s supported: %s', (version, supported) => {
    expect(isSupportedKafkaVersion(version)).toBe(supported);
  });
});
