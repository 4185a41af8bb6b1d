import { spawn } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemPlatform } from '../util/system';
import { claimInstanceId } from './instance-id';

let application: string;
const folder = (): string => join(tmpdir(), `tidemark-${String(process.getuid?.())}`, application);
beforeEach(() => (application = `test-${systemPlatform.random.id()}`));
afterEach(() => rmSync(folder(), { recursive: true, force: true }));

describe('claimInstanceId', () => {
  it('takes the first free slot of this host, and gives it back', async () => {
    const first = await claimInstanceId(application, null);
    const second = await claimInstanceId(application, null);
    expect(first.instanceId).toMatch(/-0$/);
    expect(second.instanceId).toMatch(/-1$/);
    await first.release();
    expect((await claimInstanceId(application, null)).instanceId).toBe(first.instanceId);
  });

  it('refuses an id that a live process has', async () => {
    const held = await claimInstanceId(application, 'a');
    await expect(claimInstanceId(application, 'a')).rejects.toMatchObject({
      code: 'TM1012',
      reaction: 'usage',
    });
    await held.release();
    await expect(claimInstanceId(application, 'a')).resolves.toMatchObject({ instanceId: 'a' });
  });

  it('keeps applications apart', async () => {
    const held = await claimInstanceId(application, 'a');
    const other = await claimInstanceId(`${application}-other`, 'a');
    await Promise.all([held.release(), other.release()]);
    rmSync(`${folder()}-other`, { recursive: true, force: true });
  });

  it('takes over the lock of a process that is gone', async () => {
    const child = spawn(process.execPath, ['-e', '0']);
    await new Promise((resolve) => child.on('exit', resolve));
    mkdirSync(folder(), { recursive: true });
    writeFileSync(join(folder(), 'a.lock'), JSON.stringify({ pid: child.pid, started: '1' }));
    expect((await claimInstanceId(application, 'a')).instanceId).toBe('a');
  });

  it('tells a process from another one that was given its number', async () => {
    mkdirSync(folder(), { recursive: true });
    writeFileSync(join(folder(), 'a.lock'), JSON.stringify({ pid: process.pid, started: 'long ago' }));
    expect((await claimInstanceId(application, 'a')).instanceId).toBe('a');
  });

  it('gives one id to one of many who ask at once', async () => {
    const results = await Promise.allSettled(
      Array.from({ length: 8 }, () => claimInstanceId(application, 'a')),
    );
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  });
});
