import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { ALL_APIS } from '../../protocol/all-apis';
import { WireReader } from '../../protocol/wire-reader';
import { WireWriter } from '../../protocol/wire-writer';

export interface ReceivedRequest {
  readonly apiKey: number;
  readonly version: number;
  /** What follows the header; of a flexible request, tagged fields of the header included. */
  readonly body: Buffer;
  readonly socket: Socket;
  /** Sends an answer: what follows the correlation id. */
  readonly reply: (payload: Buffer) => void;
}

export type Handler = (request: ReceivedRequest) => void;

const API_VERSIONS = 18;
const METADATA = 3;

export type Offer = Readonly<Record<number, readonly [number, number]>>;

/** What a broker must speak that this program accepts, and no more; kafkajs' handshake asks in an old version. */
export const ENOUGH: Offer = Object.fromEntries(
  ALL_APIS.map(({ key, minVersion, maxVersion }) => [
    key,
    [key === API_VERSIONS ? 0 : minVersion, maxVersion] as const,
  ]),
);

/** Versions that brokers of Kafka 3.9 offer, of the APIs that tests use. */
const OFFERED: Offer = {
  ...{ 0: [0, 11], 3: [0, 12], 10: [0, 6], 12: [0, 4], 13: [0, 5], 26: [0, 5], 17: [0, 1], 36: [0, 2] },
  [API_VERSIONS]: [0, 4],
};

/**
 * A TCP server that speaks just enough of the Kafka protocol to misbehave on demand: it tells its versions, says that
 * it is node 1 and the controller, and leaves every other request to the handler that a test has set for its API.
 */
export class FakeBroker {
  readonly handlers = new Map<number, Handler>();
  readonly received: ReceivedRequest[] = [];
  readonly sockets = new Set<Socket>();
  connections = 0;
  offered: Offer = OFFERED;
  /** Finalized features of the cluster. */
  features: Readonly<Record<string, number>> = {};
  readonly #server: Server;
  #port = 0;

  constructor() {
    this.#server = createServer((socket) => this.#accept(socket));
    this.handlers.set(API_VERSIONS, ({ reply, version }) => reply(this.#versions(version >= 3)));
    this.handlers.set(METADATA, ({ reply }) => reply(this.#metadata()));
  }

  get address(): string {
    return `127.0.0.1:${this.#port}`;
  }

  get port(): number {
    return this.#port;
  }

  async listen(): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(this.#port, '127.0.0.1', resolve));
    this.#port = (this.#server.address() as AddressInfo).port;
    return this;
  }

  /** Drops all connections and refuses new ones; `listen` opens the same port again. */
  async stop(): Promise<void> {
    if (!this.#server.listening) return;
    const closed = new Promise((resolve) => this.#server.close(resolve));
    for (const socket of this.sockets) socket.destroy();
    await closed;
  }

  requests(apiKey: number): ReceivedRequest[] {
    return this.received.filter((request) => request.apiKey === apiKey);
  }

  #accept(socket: Socket): void {
    this.connections++;
    this.sockets.add(socket);
    let buffered = Buffer.alloc(0);
    socket.on('error', () => undefined).on('close', () => this.sockets.delete(socket));
    socket.on('data', (bytes) => {
      buffered = Buffer.concat([buffered, bytes]);
      while (buffered.length >= 4 && buffered.length >= 4 + buffered.readInt32BE(0)) {
        const end = 4 + buffered.readInt32BE(0);
        this.#handle(socket, buffered.subarray(4, end));
        buffered = buffered.subarray(end);
      }
    });
  }

  #handle(socket: Socket, frame: Buffer): void {
    const header = new WireReader(frame, false);
    const [apiKey, version, correlationId] = [header.i16(), header.i16(), header.i32()];
    header.nullableString(); // client id
    const body = frame.subarray(frame.length - header.remaining);
    const reply = (payload: Buffer): void => {
      const head = Buffer.alloc(8);
      head.writeInt32BE(4 + payload.length, 0);
      head.writeInt32BE(correlationId, 4);
      socket.write(Buffer.concat([head, payload]));
    };
    const request = { apiKey, version, body, socket, reply };
    this.received.push(request);
    this.handlers.get(apiKey)?.(request);
  }

  #versions(flexible: boolean): Buffer {
    const offered = Object.entries(this.offered);
    const out = new WireWriter(flexible).i16(0);
    out.array(offered, ([key, [min, max]]) => out.i16(Number(key)).i16(min).i16(max).end());
    out.i32(0);
    if (flexible) this.#writeFeatures(out);
    return Buffer.concat(out.chunks());
  }

  /** One tagged field, number 2. */
  #writeFeatures(out: WireWriter): void {
    const features = new WireWriter(true);
    features.array(Object.entries(this.features), ([name, level]) => {
      features.string(name).i16(level).i16(level).end();
    });
    const bytes = Buffer.concat(features.chunks());
    out.i8(1).i8(2).i8(bytes.length).raw(bytes);
  }

  #metadata(): Buffer {
    const out = new WireWriter(true);
    out.end(); // header
    out
      .i32(0)
      .array([1], (nodeId) => out.i32(nodeId).string('127.0.0.1').i32(this.#port).nullableString(null).end());
    out
      .nullableString('fake')
      .i32(1)
      .array([], () => undefined)
      .end();
    return Buffer.concat(out.chunks());
  }
}

/** An answer of throttle time and error code, in the flexible encoding. */
export function errorCodeAnswer(errorCode: number, throttleMs = 0): Buffer {
  const out = new WireWriter(true);
  out.end(); // header
  out.i32(throttleMs).i16(errorCode).end();
  return Buffer.concat(out.chunks());
}

/** A FindCoordinator v4 answer. */
export function coordinatorAnswer(nodeId: number, port: number, errorCode = 0): Buffer {
  const out = new WireWriter(true);
  out.end(); // header
  out.i32(0).array(['key'], (key) => {
    out.string(key).i32(nodeId).string('127.0.0.1').i32(port).i16(errorCode).nullableString(null).end();
  });
  out.end();
  return Buffer.concat(out.chunks());
}
