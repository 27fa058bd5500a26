/** Tests that an unprivileged process that occupies the names of locks stands in nobody's way. */
import { join } from 'node:path';
import { PathManager } from 'mptcp';
import { describeKernel } from '../lab/jest';
import { Namespace } from '../lab/namespace';

const SQUATTER = join(__dirname, 'peers', 'squatter.js');
const UNPRIVILEGED = ['--reuid=65534', '--regid=65534', '--clear-groups'];
const OWN = '10.9.0.1';

/** The second user has all capabilities, in a user namespace of its own. */
const STRANGERS: [string, string[]][] = [
  ['an unprivileged process', ['setpriv', ...UNPRIVILEGED]],
  [
    'root of a user namespace of its own',
    ['setpriv', ...UNPRIVILEGED, 'unshare', '--user', '--map-root-user'],
  ],
];

describeKernel('names that a stranger holds', {}, () => {
  let host: Namespace;
  let pm: PathManager;
  beforeEach(async () => {
    host = new Namespace('names');
    host.ip('address', 'add', `${OWN}/32`, 'dev', 'lo');
    pm = await PathManager.open({ netns: host.name });
  });
  afterEach(async () => {
    await pm.close();
    await host.dispose();
  });

  const occupy = async ([command = '', ...args]: string[], ...names: string[]): Promise<void> => {
    await host.spawn(command, [...args, process.execPath, SQUATTER, ...names]).json();
  };
  const joins = () => host.sysctl('net.mptcp.allow_join_initial_addr_port');

  describe.each(STRANGERS)('%s', (_, stranger) => {
    test('keeps nobody from the userspace mode, which still has one owner', async () => {
      await occupy(stranger, 'mptcp-path-manager', 'mptcp-path-manager/0123456789ab');
      await using other = await PathManager.open({ netns: host.name });
      expect(await pm.mode.get()).toEqual({ mode: 'kernel', ownerless: false });
      await pm.mode.set('userspace');
      expect(await other.mode.get()).toMatchObject({ owner: { pid: process.pid } });
      await expect(other.mode.set('userspace')).rejects.toMatchObject({
        code: 'ERR_MPTCP_PATH_MANAGER',
      });
      await pm.close();
      expect(await other.mode.get()).toEqual({ mode: 'kernel', ownerless: false });
    });

    test('holds up nobody behind a load balancer, and leaves no setting behind', async () => {
      const forged = `mptcp-load-balancer-user/0123456789ab/0/1/${OWN}/0`;
      await occupy(stranger, 'mptcp-load-balancer-lock', forged);
      await pm.behindLoadBalancer({ address: OWN });
      expect(joins()).toBe('0');
      await pm.close();
      expect(joins()).toBe('1');
      expect(host.ip('mptcp', 'endpoint', 'show')).toBe('');
    });

    test('keeps no endpoint from being followed', async () => {
      await occupy(stranger, `mptcp-endpoint/${OWN}/0`);
      host.ip('link', 'add', 'd0', 'type', 'bridge');
      host.ip('address', 'del', `${OWN}/32`, 'dev', 'lo');
      host.ip('address', 'add', `${OWN}/24`, 'dev', 'd0');
      host.ip('link', 'set', 'd0', 'up');
      const followed = pm.endpoints.follow({ flags: { subflow: true } });
      for await (const event of followed) {
        expect(event).toMatchObject({ type: 'added', endpoint: { address: OWN } });
        break;
      }
    });
  });

  test('the mode can be read as often as somebody likes', async () => {
    await pm.mode.set('userspace');
    await using other = await PathManager.open({ netns: host.name });
    for (let calls = 0; calls < 5000; calls += 50) {
      const states = await Promise.all(Array.from({ length: 50 }, () => other.mode.get()));
      expect(states.every(({ owner }) => owner?.pid === process.pid)).toBe(true);
    }
  });
});
