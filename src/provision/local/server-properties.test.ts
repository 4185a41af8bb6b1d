import { renderProperties, serverProperties, type NodeAddress } from './server-properties';

const nodes: NodeAddress[] = [
  { id: 1, port: 2001, controllerPort: 3001 },
  { id: 2, port: 2002, controllerPort: 3002 },
  { id: 3, port: 2003, controllerPort: 3003 },
];
const [first, second] = nodes as [NodeAddress, NodeAddress, NodeAddress];

describe('serverProperties', () => {
  it('lets one node be the whole quorum, with one replica of everything', () => {
    expect(serverProperties(first, [first], '/data/1', {})).toMatchObject({
      'node.id': '1',
      'controller.quorum.voters': '1@127.0.0.1:3001',
      listeners: 'CLIENT://127.0.0.1:2001,CONTROLLER://127.0.0.1:3001',
      'advertised.listeners': 'CLIENT://127.0.0.1:2001',
      'log.dirs': '/data/1',
      'offsets.topic.replication.factor': '1',
      'transaction.state.log.min.isr': '1',
      'min.insync.replicas': '1',
      'auto.create.topics.enable': 'false',
    });
  });

  it('lists all voters and keeps three replicas, two in sync, on three nodes', () => {
    expect(serverProperties(second, nodes, '/data/2', {})).toMatchObject({
      'node.id': '2',
      'controller.quorum.voters': '1@127.0.0.1:3001,2@127.0.0.1:3002,3@127.0.0.1:3003',
      'default.replication.factor': '3',
      'transaction.state.log.replication.factor': '3',
      'transaction.state.log.min.isr': '2',
      'min.insync.replicas': '2',
    });
  });

  it('listens on the loopback address only', () => {
    const properties = serverProperties(first, nodes, '/data/1', {});
    const addresses = `${properties['listeners']},${properties['advertised.listeners']}`.split(',');
    expect(addresses.every((listener) => listener.includes('//127.0.0.1:'))).toBe(true);
  });

  it('adds the listeners that were asked for, on loopback like the plain one', () => {
    const listeners = [{ name: 'SECURE', protocol: 'SASL_SSL', port: 4001 }] as const;
    expect(serverProperties({ ...first, listeners }, [first], '/data/1', {})).toMatchObject({
      listeners: 'CLIENT://127.0.0.1:2001,SECURE://127.0.0.1:4001,CONTROLLER://127.0.0.1:3001',
      'advertised.listeners': 'CLIENT://127.0.0.1:2001,SECURE://127.0.0.1:4001',
      'listener.security.protocol.map': 'CLIENT:PLAINTEXT,SECURE:SASL_SSL,CONTROLLER:PLAINTEXT',
      'inter.broker.listener.name': 'CLIENT',
    });
  });

  it('lets overrides win', () => {
    const overrides = { 'min.insync.replicas': '3', 'transaction.max.timeout.ms': '1000' };
    expect(serverProperties(first, nodes, '/data', overrides)).toMatchObject(overrides);
  });
});

describe('renderProperties', () => {
  it('writes a line for each setting', () => {
    expect(renderProperties({ a: '1', 'b.c': 'x=y:z' })).toBe('a=1\nb.c=x=y:z\n');
  });

  it('escapes what Java would read otherwise', () => {
    expect(renderProperties({ 'a b': ' C:\\x\ny' })).toBe('a\\ b=\\ C:\\\\x\\ny\n');
    expect(renderProperties({ 'k:=': 'grün' })).toBe('k\\:\\==gr\\u00fcn\n');
  });
});
