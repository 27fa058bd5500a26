import { PathManager } from 'mptcp';
import { describeKernel } from '../lab/jest';
import { Namespace } from '../lab/namespace';

describeKernel('the mode, asked for at the same time', {}, () => {
  let host: Namespace;
  const mode = () => host.sysctl('net.mptcp.path_manager');
  beforeEach(() => {
    host = new Namespace('host');
  });
  afterEach(() => host.dispose());

  test('set twice at once', async () => {
    await using pm = await PathManager.open({ netns: host.name });
    await Promise.all([pm.mode.set('userspace'), pm.mode.set('userspace')]);
    expect(mode()).toBe('userspace');
    await Promise.all([pm.mode.set('kernel'), pm.mode.set('userspace'), pm.mode.set('kernel')]);
    expect(mode()).toBe('kernel');
    expect(await pm.mode.get()).toEqual({ mode: 'kernel', ownerless: false });
  });

  test('closed while it is being set, at any moment', async () => {
    await using witness = await PathManager.open({ netns: host.name });
    for (let turns = 0; ; turns += 1 + (turns >> 2)) {
      const pm = await PathManager.open({ netns: host.name });
      const progress = { done: false };
      const set = pm.mode
        .set('userspace')
        .catch(() => undefined)
        .finally(() => (progress.done = true));
      for (let i = 0; i < turns; i++) await new Promise(setImmediate);
      const last = progress.done;
      await Promise.all([set, pm.close()]);
      expect(await witness.mode.get()).toEqual({ mode: 'kernel', ownerless: false });
      if (last) break;
    }
  });
});
