import { WireReader } from './wire-reader';
import { WireWriter } from './wire-writer';

/**
 * One API of the Kafka protocol in the versions that this program speaks. The layouts are those of Kafka's message
 * definitions (clients/src/main/resources/common/message in Kafka's source).
 */
export interface KafkaApi<Request, Response extends Throttled> {
  readonly name: string;
  readonly key: number;
  /** Lowest and highest version with which `encode` and `decode` can deal. */
  readonly minVersion: number;
  readonly maxVersion: number;
  /** First version in the flexible encoding (KIP-482). */
  readonly flexibleFrom: number;
  /** The answer's header has no tagged fields in any version: ApiVersions only, which is read before versions are known (KIP-511). */
  readonly plainAnswerHeader?: true;
  /** Which of the versions may carry this request; left out: all of them. */
  versionsFor?(request: Request): VersionRange;
  encode(out: WireWriter, request: Request, version: number): void;
  /** Reads the body only. @throws {MalformedAnswerError} */
  decode(input: WireReader, version: number): Response;
}

export interface VersionRange {
  readonly minVersion: number;
  readonly maxVersion: number;
}

export interface RequestHeader {
  readonly version: number;
  readonly correlationId: number;
  readonly clientId: string;
}

/** Answers carry how long the broker holds back what follows on the connection (KIP-219), in milliseconds. */
export interface Throttled {
  readonly throttleMs: number;
}

/** A whole request as it goes over the wire: length, header (version 1, or 2 when flexible), body. */
export function encodeFrame<Q>(api: KafkaApi<Q, Throttled>, header: RequestHeader, request: Q): Buffer[] {
  const flexible = header.version >= api.flexibleFrom;
  const out = new WireWriter(flexible);
  out.i32(0).i16(api.key).i16(header.version).i32(header.correlationId);
  writeClientId(out, header.clientId);
  out.end();
  api.encode(out, request, header.version);
  out.patchFirstI32(out.size - 4);
  return out.chunks();
}

/**
 * Reads an answer whose length and correlation id have been taken off.
 * @throws {MalformedAnswerError} when it is too short, too long or otherwise wrong
 */
export function decodeAnswer<A extends Throttled>(
  api: KafkaApi<never, A>,
  version: number,
  payload: Buffer,
): A {
  const input = new WireReader(payload, version >= api.flexibleFrom);
  if (api.plainAnswerHeader !== true) input.end();
  const answer = api.decode(input, version);
  input.finish();
  return answer;
}

/** The client id keeps the classic encoding in the flexible header, too. */
function writeClientId(out: WireWriter, clientId: string): void {
  const bytes = Buffer.from(clientId);
  if (bytes.length > 0x7fff) throw new RangeError('the client id is too long');
  out.i16(bytes.length).raw(bytes);
}
