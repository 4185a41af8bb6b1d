import { FAULT_POINTS, faultInjectorFromEnvironment } from './fault-points';

describe('faultInjectorFromEnvironment', () => {
  const kill = jest.spyOn(process, 'kill').mockReturnValue(true);
  afterEach(() => kill.mockClear());
  afterAll(() => kill.mockRestore());

  it('does nothing unarmed', () => {
    const fault = faultInjectorFromEnvironment({});
    for (const point of FAULT_POINTS) fault(point);
    expect(kill).not.toHaveBeenCalled();
  });

  it('kills this process when the point is reached for the n-th time, once', () => {
    const fault = faultInjectorFromEnvironment({ TIDEMARK_FAULT: 'txn.end-sent:2' });
    fault('txn.end-sent');
    fault('txn.end-answered');
    expect(kill).not.toHaveBeenCalled();
    fault('txn.end-sent');
    fault('txn.end-sent');
    expect(kill.mock.calls).toEqual([[process.pid, 'SIGKILL']]);
  });

  it('refuses a name that is none', () => {
    expect(() => faultInjectorFromEnvironment({ TIDEMARK_FAULT: 'nowhere' })).toThrow(/nowhere/);
  });
});
