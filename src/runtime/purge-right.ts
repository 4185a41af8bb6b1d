import { brokerError } from '../kafka/client/broker-errors';
import type { ClientContext } from '../kafka/client/client-context';
import { KafkaError } from '../kafka/protocol/errors';

const DELETES_NOTHING = 0n;

/**
 * Shuffle records that were read are deleted now and then (PROTOCOL D8), and a broker that does not let the job do so
 * would fill its disk without a word. So the right is tried out at start, with a deletion that deletes nothing.
 * @throws {TidemarkError} TM2008 when Delete on a shuffle topic is not granted
 */
export async function checkPurgeRight(client: ClientContext, shuffles: readonly string[]): Promise<void> {
  for (const topic of shuffles) {
    const { nodeId } = await client.metadata.leaderOf(topic, 0);
    const answers = await client.port.deleteRecords(
      [{ topic, partition: 0, offset: DELETES_NOTHING }],
      nodeId,
    );
    // Anything else, such as records that are gone already, shows that the right is there or is left to the first purge.
    const refused = answers.find(({ errorCode }) => errorCode === KafkaError.TOPIC_AUTHORIZATION_FAILED);
    if (refused !== undefined) throw brokerError('DeleteRecords', refused.errorCode, `topic ${topic}`);
  }
}
