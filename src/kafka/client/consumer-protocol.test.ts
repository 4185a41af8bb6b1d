import {
  decodeAssignment,
  decodeSubscription,
  encodeAssignment,
  encodeSubscription,
} from './consumer-protocol';

describe('consumer protocol', () => {
  it('writes a subscription as the Java client reads it', () => {
    const bytes = encodeSubscription({ topics: ['ab', 'ü'], userData: Buffer.from([7, 8]) });
    expect(bytes.toString('hex')).toBe(
      '0000' + '00000002' + '0002' + '6162' + '0002' + 'c3bc' + '00000002' + '0708',
    );
  });

  it('writes an assignment as the Java tools read it', () => {
    const partitions = [
      { topic: 'a', partition: 2 },
      { topic: 'b', partition: 0 },
      { topic: 'a', partition: 5 },
    ];
    const bytes = encodeAssignment({ partitions, userData: Buffer.from([9]) });
    expect(bytes.toString('hex')).toBe(
      '0000' +
        '00000002' +
        '0001' +
        '61' +
        '00000002' +
        '00000002' +
        '00000005' +
        '0001' +
        '62' +
        '00000001' +
        '00000000' +
        '00000001' +
        '09',
    );
    expect(decodeAssignment(bytes)).toEqual({
      partitions: [partitions[0], partitions[2], partitions[1]],
      userData: Buffer.from([9]),
    });
  });

  it('reads what it wrote', () => {
    const subscription = { topics: ['x', 'y'], userData: Buffer.from('hello') };
    expect(decodeSubscription(encodeSubscription(subscription))).toEqual(subscription);
  });

  it('reads later versions and null user data', () => {
    const later = Buffer.from('0003' + '00000001' + '0001' + '78' + 'ffffffff' + '00000000', 'hex');
    expect(decodeSubscription(later)).toEqual({ topics: ['x'], userData: Buffer.alloc(0) });
  });

  it('takes no bytes for no assignment', () => {
    expect(decodeAssignment(Buffer.alloc(0))).toEqual({ partitions: [], userData: Buffer.alloc(0) });
  });

  it('copies user data out of the answer', () => {
    const bytes = encodeAssignment({ partitions: [], userData: Buffer.from([1]) });
    const { userData } = decodeAssignment(bytes);
    bytes.fill(0);
    expect(userData).toEqual(Buffer.from([1]));
  });

  it.each(['00', '0000ffff', '0000' + '7fffffff' + '0001' + '78', '0000' + '00000001' + 'ffff'])(
    'refuses %s as from a foreign program',
    (hex) => {
      const foreign = expect.objectContaining({ code: 'TM1006' });
      expect(() => decodeSubscription(Buffer.from(hex, 'hex'))).toThrow(foreign);
      expect(() => decodeAssignment(Buffer.from(hex, 'hex'))).toThrow(foreign);
    },
  );
});
