import { connect, createServer, type AddressInfo, type Server } from 'node:net';
import { freePorts } from '../../src/provision/local/ports';
import { obtainKafka } from '../../src/provision';
import { countingJob, RuleBench } from './rule-bench';

jest.setTimeout(120_000);

const FETCH = 1;
const CLICKS = 500;

/** Passes everything on; while `held`, answers on connections that carry Fetch requests wait. */
class StallingProxy {
  port = 0;
  private holdUntil = 0;
  private readonly server: Server;
  constructor(target: number) {
    this.server = createServer((client) => {
      const broker = connect({ host: '127.0.0.1', port: target });
      let fetches = false;
      const cut = (): void => {
        client.destroy();
        broker.destroy();
      };
      for (const socket of [client, broker]) socket.on('error', cut).on('close', cut);
      client.on('data', (bytes: Buffer) => {
        if (bytes.length >= 8 && bytes.readInt16BE(4) === FETCH) fetches = true;
        broker.write(bytes);
      });
      let queue = Promise.resolve();
      broker.on('data', (bytes: Buffer) => {
        queue = queue.then(async () => {
          const wait = fetches ? this.holdUntil - Date.now() : 0;
          if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
          client.write(bytes);
        });
      });
    });
  }
  async listen(): Promise<void> {
    await new Promise<void>((resolve) => this.server.listen(0, '127.0.0.1', resolve));
    this.port = (this.server.address() as AddressInfo).port;
  }
  stall(ms: number): void {
    this.holdUntil = Date.now() + ms;
  }
  close(): void {
    this.server.close();
  }
}

it('--until-end does not end while a stalled broker still holds shuffle records back', async () => {
  const [port] = await freePorts(1);
  const proxy = new StallingProxy(port!);
  await proxy.listen();
  const serverProperties = { 'advertised.listeners': `CLIENT://127.0.0.1:${proxy.port}` };
  const kafka = await obtainKafka({ serverProperties, source: 'local', port: port! });
  const bench: RuleBench = await (
    RuleBench as unknown as { around(k: unknown, p: null): Promise<RuleBench> }
  ).around(kafka, null);
  try {
    const topics = await bench.topicsOf('stall');
    await bench.judge.produceClicks({ topic: topics.input, count: CLICKS, users: 50 });
    let stalled = false;
    const onClick = (): void => {
      if (!stalled) proxy.stall(6_000);
      stalled = true;
    };
    const startedAt = Date.now();
    const job = await bench.toEnd(countingJob(topics, { onClick }), 'stall');
    process.stdout.write(
      `finished after ${Date.now() - startedAt} ms: ${JSON.stringify(job.run.status().recordsIn)} in, ${job.run.status().recordsOut} out\n`,
    );
    expect(job.run.status()).toMatchObject({ recordsIn: CLICKS, recordsOut: CLICKS });
  } finally {
    await bench.close();
    proxy.close();
  }
});
