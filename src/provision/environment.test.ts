import { createServer, type AddressInfo, type Server } from 'node:net';
import { kafkaOfEnvironment, parseBrokers } from './environment';
import { completeRequest } from './obtain-kafka';

const request = completeRequest({});
let server: Server;
let address: string;

beforeAll(async () => {
  server = createServer((socket) => socket.end());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterAll(() => new Promise((resolve) => server.close(resolve)));

describe('kafkaOfEnvironment', () => {
  it('is closed without the variable', async () => {
    expect(await kafkaOfEnvironment({}, request)).toBe('it is not set');
    expect(await kafkaOfEnvironment({ TIDEMARK_KAFKA_BROKERS: ' ' }, request)).toBe('it is not set');
  });

  it('takes the cluster when one of its brokers takes a connection', async () => {
    const value = `${address}, 127.0.0.1:1`;
    const kafka = await kafkaOfEnvironment({ TIDEMARK_KAFKA_BROKERS: value }, request);
    expect(kafka).toMatchObject({
      source: 'environment',
      brokers: [address, '127.0.0.1:1'],
      version: 'unknown',
    });
  });

  it('refuses to end a broker that is not ours', async () => {
    const kafka = await kafkaOfEnvironment({ TIDEMARK_KAFKA_BROKERS: address }, request);
    if (typeof kafka === 'string') throw new Error(kafka);
    await expect(kafka.nodes[0]?.kill()).rejects.toMatchObject({ code: 'TM1010', where: address });
  });

  it('fails for good when nobody takes a connection', async () => {
    await expect(
      kafkaOfEnvironment({ TIDEMARK_KAFKA_BROKERS: '127.0.0.1:1' }, request),
    ).rejects.toMatchObject({
      code: 'TM1005',
    });
  });
});

describe('parseBrokers', () => {
  it.each(['localhost', 'localhost:', ':9092', 'host:0', 'host:70000', 'a:1,,b:2'])('refuses %s', (value) => {
    expect(() => parseBrokers(value)).toThrow(expect.objectContaining({ code: 'TM1005' }));
  });

  it('takes names, addresses and IPv6', () => {
    expect(parseBrokers('kafka:9092, 10.0.0.1:9093,[::1]:9094')).toEqual([
      'kafka:9092',
      '10.0.0.1:9093',
      '[::1]:9094',
    ]);
  });
});
