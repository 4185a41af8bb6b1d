import { changelogTopic, controlTopic, shuffleTopic } from '../../topology/internal-topics';

/** Stands for any stage or shuffle name; no topic name can hold it. */
const ANY = '*';
const ANY_INCARNATION = '(-i[1-9][0-9]*)?';

/**
 * The internal topics of one application among all topics of a cluster. `clicks-eu-by-user-changelog` is named like a
 * topic of `clicks` as well as of `clicks-eu`: it goes to the longest prefix that has a control topic, so that a reset
 * of one application never takes the topics of another.
 */
export function internalTopicsOf(prefix: string, allTopics: readonly string[]): string[] {
  const ownControl = controlTopic(prefix);
  const otherPrefixes = allTopics
    .filter((topic) => topic.endsWith('-control') && topic.startsWith(`${prefix}-`) && topic !== ownControl)
    .map((topic) => topic.slice(0, -'-control'.length));
  const isOwn = matcherOf(prefix);
  const othersMatch = otherPrefixes.map(matcherOf);
  const own = allTopics.filter((topic) => isOwn(topic) && !othersMatch.some((matches) => matches(topic)));
  return own.sort();
}

/** Made from the naming functions themselves, so that the two cannot drift apart. */
function matcherOf(prefix: string): (topic: string) => boolean {
  const patterns = [changelogTopic(prefix, ANY, 1), shuffleTopic(prefix, ANY, 1)].map(
    (name) => new RegExp(`^${name.split(ANY).map(escaped).join('.+')}${ANY_INCARNATION}$`),
  );
  return (topic) => topic === controlTopic(prefix) || patterns.some((pattern) => pattern.test(topic));
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
