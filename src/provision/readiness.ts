import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

const PROBE_LIMIT_MS = 2_000;
const PROBE_PAUSE_MS = 50;
const LARGEST_ANSWER_BYTES = 1 << 20;
const CORRELATION_ID = 0x7464;

/**
 * Asks a broker which brokers take part in the cluster now: a Metadata request of version 1 without topics
 * (Kafka protocol guide; every supported broker answers that version). A broker that is still fenced does not answer
 * or is not in the list.
 * @returns the node ids. Rejects with a plain Error when nothing, or something else than Kafka, answers within 2 s.
 */
export function liveBrokerIds(address: string): Promise<number[]> {
  const { host, port } = splitAddress(address);
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port });
    const chunks: Buffer[] = [];
    const finish = (outcome: number[] | Error): void => {
      socket.destroy();
      if (outcome instanceof Error) reject(outcome);
      else resolve(outcome);
    };
    socket.setTimeout(PROBE_LIMIT_MS, () => finish(new Error(`${address} does not answer`)));
    socket.on('error', (error) => finish(error));
    socket.on('close', () => finish(new Error(`${address} closed the connection`)));
    socket.on('connect', () => socket.write(metadataRequest()));
    socket.on('data', (chunk) => {
      chunks.push(chunk);
      const outcome = readAnswer(Buffer.concat(chunks));
      if (outcome === 'foreign') finish(new Error(`${address} does not speak Kafka's protocol`));
      else if (outcome !== 'incomplete') finish(outcome);
    });
  });
}

/**
 * Waits until the broker at `address` lists all of `ids`.
 * @param gaveUp says why waiting is pointless (the process ended), or undefined
 * @returns the reason why it did not become ready within `limitMs`, or undefined when it did
 */
export async function waitUntilLive(
  address: string,
  ids: readonly number[],
  limitMs: number,
  gaveUp: () => string | undefined,
): Promise<string | undefined> {
  const deadline = performance.now() + limitMs;
  let reason = 'it was not asked';
  while (performance.now() < deadline) {
    const pointless = gaveUp();
    if (pointless !== undefined) return pointless;
    try {
      const live = await liveBrokerIds(address);
      if (ids.every((id) => live.includes(id))) return undefined;
      reason = `brokers ${ids.filter((id) => !live.includes(id)).join(', ')} are not in the cluster`;
    } catch (error) {
      reason = error instanceof Error ? error.message : String(error);
    }
    await sleep(PROBE_PAUSE_MS);
  }
  return `not ready after ${Math.round(limitMs / 1000)} s: ${reason}`;
}

/** `host` and `port` of `host:port`; an IPv6 host may stand in brackets. */
export function splitAddress(address: string): { host: string; port: number } {
  const colon = address.lastIndexOf(':');
  const host = address.slice(0, colon).replace(/^\[(.*)\]$/, '$1');
  return { host, port: Number(address.slice(colon + 1)) };
}

function metadataRequest(): Buffer {
  const request = Buffer.alloc(18);
  request.writeInt32BE(14, 0);
  request.writeInt16BE(3, 4);
  request.writeInt16BE(1, 6);
  request.writeInt32BE(CORRELATION_ID, 8);
  request.writeInt16BE(-1, 12);
  request.writeInt32BE(0, 14);
  return request;
}

/** Node ids of a Metadata answer of version 1, its size field included, as far as it has come. */
function readAnswer(answer: Buffer): number[] | 'incomplete' | 'foreign' {
  if (answer.length < 4) return 'incomplete';
  const size = answer.readInt32BE(0);
  if (size > LARGEST_ANSWER_BYTES) return 'foreign';
  if (answer.length < 4 + size) return 'incomplete';
  try {
    if (answer.readInt32BE(4) !== CORRELATION_ID) return 'foreign';
    const count = answer.readInt32BE(8);
    const ids: number[] = [];
    for (let at = 12, left = count; left > 0; left -= 1) {
      ids.push(answer.readInt32BE(at));
      at += 4 + 2 + answer.readInt16BE(at + 4) + 4;
      at += 2 + Math.max(0, answer.readInt16BE(at));
    }
    return ids;
  } catch {
    return 'foreign';
  }
}
