import { TidemarkError } from '../../errors';
import { ALL_APIS } from '../protocol/all-apis';
import type { VersionRange } from '../protocol/api';

type Offer = VersionRange | undefined;

/** The highest version that both sides speak; null when there is none. */
export function highestCommon(ours: VersionRange, theirs: Offer): number | null {
  if (theirs === undefined) return null;
  const version = Math.min(ours.maxVersion, theirs.maxVersion);
  return version >= Math.max(ours.minVersion, theirs.minVersion) ? version : null;
}

/** What this program speaks and the broker does not, in words: one for each API. */
export function missingApis(offered: (apiKey: number) => Offer): string[] {
  return ALL_APIS.flatMap((api) => {
    const theirs = offered(api.key);
    return highestCommon(api, theirs) === null ? [gap(api.name, api, theirs)] : [];
  });
}

/** The error for a request of which both sides speak no common version. */
export function unsupported(api: string, ours: VersionRange, theirs: Offer, where: string): TidemarkError {
  const hint = 'use brokers of Kafka 3.6 or later';
  return new TidemarkError('TM2009', 'usage', gap(api, ours, theirs), { where, hint });
}

function gap(api: string, ours: VersionRange, theirs: Offer): string {
  const offer = theirs === undefined ? 'none' : inWords(theirs);
  return `${api} is needed in version ${inWords(ours)}, the broker offers ${offer}`;
}

function inWords({ minVersion, maxVersion }: VersionRange): string {
  return minVersion === maxVersion ? String(minVersion) : `${minVersion} to ${maxVersion}`;
}
