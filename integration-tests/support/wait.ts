import { systemPlatform } from '../../src/util/system';

/**
 * Asks every `everyMs` until there is an answer.
 * @throws Error that names `what` after `limitMs`
 */
export async function waitFor<T>(
  what: string,
  ask: () => Promise<T | undefined> | T | undefined,
  { limitMs = 60_000, everyMs = 20 }: { limitMs?: number; everyMs?: number } = {},
): Promise<T> {
  for (const deadline = Date.now() + limitMs; ;) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    if (Date.now() > deadline) throw new Error(`waited ${limitMs} ms in vain for ${what}`);
    await systemPlatform.scheduler.sleep(everyMs);
  }
}
