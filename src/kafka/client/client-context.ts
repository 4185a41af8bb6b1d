import type { Platform } from '../../util/ports';
import type { KafkaPort } from '../port';
import type { MetadataCache } from './metadata-cache';

/** What everything that reads from partitions needs: the brokers, who leads what, and time. */
export interface ClientContext {
  readonly port: KafkaPort;
  readonly metadata: MetadataCache;
  readonly platform: Platform;
}
