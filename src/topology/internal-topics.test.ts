import { isTidemarkError } from '../errors';
import { changelogTopic, controlTopic, shuffleTopic } from './internal-topics';

describe('internal topics', () => {
  it('are named after the prefix and what the user named', () => {
    expect(changelogTopic('app', 'by-user', 1)).toBe('app-by-user-changelog');
    expect(shuffleTopic('app', 'by-user', 1)).toBe('app-by-user-shuffle');
    expect(controlTopic('app')).toBe('app-control');
  });

  it('carry a later incarnation as a suffix', () => {
    expect(changelogTopic('app', 'by-user', 2)).toBe('app-by-user-changelog-i2');
    expect(shuffleTopic('app', 'by-user', 12)).toBe('app-by-user-shuffle-i12');
  });

  it('are refused when Kafka would refuse them', () => {
    expect(changelogTopic('a'.repeat(138), 'b'.repeat(100), 1)).toHaveLength(249);
    try {
      changelogTopic('a'.repeat(139), 'b'.repeat(100), 1);
    } catch (error) {
      expect(isTidemarkError(error) && [error.code, error.reaction]).toEqual(['TM1004', 'usage']);
      return;
    }
    throw new Error('nothing was thrown');
  });
});
