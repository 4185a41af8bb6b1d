import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { liveBrokerIds, splitAddress, waitUntilLive } from './readiness';

let server: Server;

afterEach(() => new Promise((resolve) => server.close(resolve)));

async function listen(onConnection: (socket: Socket) => void): Promise<string> {
  server = createServer(onConnection);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** A Metadata answer of version 1 that lists these brokers. */
function metadataAnswer(request: Buffer, ids: readonly number[]): Buffer {
  const brokers = ids.map((id) => {
    const broker = Buffer.alloc(4 + 2 + 9 + 4 + 2);
    broker.writeInt32BE(id, 0);
    broker.writeInt16BE(9, 4);
    broker.write('127.0.0.1', 6);
    broker.writeInt32BE(9092, 15);
    broker.writeInt16BE(-1, 19);
    return broker;
  });
  const head = Buffer.alloc(12);
  request.copy(head, 4, 8, 12);
  head.writeInt32BE(ids.length, 8);
  const answer = Buffer.concat([head, ...brokers, Buffer.alloc(8)]);
  answer.writeInt32BE(answer.length - 4, 0);
  return answer;
}

const answering = (ids: () => readonly number[]) => (socket: Socket) => {
  socket.on('error', () => undefined);
  socket.on('data', (request) => socket.write(metadataAnswer(request, ids())));
};

describe('liveBrokerIds', () => {
  it('reads the brokers of the answer, also when it comes in pieces', async () => {
    const address = await listen((socket) => {
      socket.on('data', (request) => {
        const answer = metadataAnswer(request, [1, 3]);
        socket.write(answer.subarray(0, 3));
        setImmediate(() => socket.write(answer.subarray(3)));
      });
    });
    expect(await liveBrokerIds(address)).toEqual([1, 3]);
  });

  it('refuses something that is not Kafka', async () => {
    const address = await listen((socket) => socket.resume().write('HTTP/1.1 400 Bad Request\r\n\r\n'));
    await expect(liveBrokerIds(address)).rejects.toThrow(/does not speak Kafka/);
  });
});

describe('waitUntilLive', () => {
  it('waits until all brokers are listed', async () => {
    let asked = 0;
    const address = await listen(answering(() => (++asked < 3 ? [1] : [1, 2])));
    expect(await waitUntilLive(address, [1, 2], 30_000, () => undefined)).toBeUndefined();
    expect(asked).toBe(3);
  });

  it('names the brokers that are missing in the end', async () => {
    const address = await listen(answering(() => [1]));
    expect(await waitUntilLive(address, [1, 2], 300, () => undefined)).toMatch(
      /brokers 2 are not in the cluster/,
    );
  });

  it('gives up when waiting is pointless', async () => {
    const address = await listen((socket) => socket.destroy());
    expect(await waitUntilLive(address, [1], 30_000, () => 'the process ended')).toBe('the process ended');
  });
});

it('splits an address at its last colon', async () => {
  await listen(() => undefined);
  expect(splitAddress('[::1]:9092')).toEqual({ host: '::1', port: 9092 });
  expect(splitAddress('kafka.local:9092')).toEqual({ host: 'kafka.local', port: 9092 });
});
