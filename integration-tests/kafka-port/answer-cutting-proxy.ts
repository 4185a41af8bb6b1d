import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { parseAddress } from '../../src/kafka/transport/client-config';

/** Passes bytes on to the broker; once told, the next bytes that come back are dropped with the connection. */
export async function startAnswerCuttingProxy(address: string) {
  let cutting = false;
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const broker = connect(parseAddress(address));
    for (const socket of [client, broker]) {
      sockets.add(socket);
      socket.on('error', () => undefined).on('close', () => [client, broker].forEach((end) => end.destroy()));
    }
    client.on('data', (bytes) => broker.write(bytes));
    broker.on('data', (bytes) => (cutting ? client.destroy() : client.write(bytes)));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    cutAtNextAnswer: () => (cutting = true),
    stop: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
