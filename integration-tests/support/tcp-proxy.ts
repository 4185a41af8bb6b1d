import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/** Numbers of the requests that tests lose (Kafka protocol guide, "API Keys"). */
export const API_KEYS = {
  Produce: 0,
  InitProducerId: 22,
  AddPartitionsToTxn: 24,
  AddOffsetsToTxn: 25,
  EndTxn: 26,
  TxnOffsetCommit: 28,
} as const;
/** Brokers ask each other with later versions, through their advertised address, whether a transaction is open. */
const CLIENTS_ADD_PARTITIONS = 3;

export type ProxiedApi = keyof typeof API_KEYS;

/** What becomes of one request. In each case its connection is cut, as by a network that fails. */
export interface Loss {
  readonly api: ProxiedApi;
  /** `request`: the broker never sees it. `answer`: the broker has done it, and nobody hears. */
  readonly lose: 'request' | 'answer';
  /** So many requests of the API pass before, counted from now. Default 0. */
  readonly after?: number;
}

/** A loss that waits for its request, or has met it. */
export interface ArmedLoss {
  readonly happened: boolean;
}

interface Trap extends Loss {
  left: number;
  happened: boolean;
}

/**
 * A proxy before one broker that understands as much of Kafka's framing as it takes to lose a chosen request or its
 * answer: size, API key and correlation id. The broker must advertise the proxy's port.
 */
export class TcpProxy {
  readonly port: number;
  private readonly server: Server;
  private readonly target: number;
  private readonly sockets = new Set<Socket>();
  private readonly armed = new Set<Trap>();

  private constructor(server: Server, target: number) {
    this.server = server;
    this.target = target;
    this.port = (server.address() as AddressInfo).port;
    server.on('connection', (client) => this.pipe(client));
  }

  /** Listens on a free port of the loopback address and passes on to `target` there. */
  static async open(target: number): Promise<TcpProxy> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return new TcpProxy(server, target);
  }

  /** Arms one loss; several may wait at once. */
  arm(loss: Loss): ArmedLoss {
    const trap: Trap = { ...loss, left: loss.after ?? 0, happened: false };
    this.armed.add(trap);
    return trap;
  }

  async close(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private pipe(client: Socket): void {
    const broker = connect({ host: '127.0.0.1', port: this.target });
    const cut = (): void => {
      client.destroy();
      broker.destroy();
    };
    for (const socket of [client, broker]) {
      this.sockets.add(socket);
      socket.setNoDelay(true);
      socket.on('error', () => undefined);
      socket.on('close', () => {
        this.sockets.delete(socket);
        cut();
      });
    }
    const doomed = new Map<number, Trap>();
    eachFrame(client, (frame) => {
      const loss = this.lossOf(frame.readInt16BE(4), frame.readInt16BE(6));
      if (loss?.lose === 'request') {
        loss.happened = true;
        cut();
        return;
      }
      if (loss !== null) doomed.set(frame.readInt32BE(8), loss);
      broker.write(frame);
    });
    eachFrame(broker, (frame) => {
      const loss = doomed.get(frame.readInt32BE(4));
      if (loss === undefined) return void client.write(frame);
      loss.happened = true;
      cut();
    });
  }

  private lossOf(apiKey: number, version: number): Trap | null {
    if (apiKey === API_KEYS.AddPartitionsToTxn && version > CLIENTS_ADD_PARTITIONS) return null;
    for (const loss of this.armed) {
      if (API_KEYS[loss.api] !== apiKey || loss.left-- > 0) continue;
      this.armed.delete(loss);
      return loss;
    }
    return null;
  }
}

/** Calls back with whole frames, their four bytes of size included; none after the socket was destroyed. */
function eachFrame(socket: Socket, onFrame: (frame: Buffer) => void): void {
  let rest: Buffer = Buffer.alloc(0);
  socket.on('data', (bytes: Buffer) => {
    rest = rest.length === 0 ? bytes : Buffer.concat([rest, bytes]);
    while (rest.length >= 4 && !socket.destroyed) {
      const size = 4 + rest.readInt32BE(0);
      if (rest.length < size) return;
      const frame = rest.subarray(0, size);
      rest = rest.subarray(size);
      onFrame(frame);
    }
  });
}
