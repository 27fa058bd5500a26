import { PathManager } from 'mptcp';
import { describeKernel } from '../lab/jest';
import { Namespace } from '../lab/namespace';

describeKernel('concurrent changes of the path manager mode', {}, () => {
  let host: Namespace;
  const mode = () => host.pathManager();
  beforeEach(() => {
    host = new Namespace('host');
  });
  afterEach(() => host.dispose());

  test('calls of set() are applied in order', async () => {
    await using pm = await PathManager.open({ netns: host.name });
    await Promise.all([pm.mode.set('userspace'), pm.mode.set('userspace')]);
    expect(mode()).toBe('userspace');
    await Promise.all([pm.mode.set('kernel'), pm.mode.set('userspace'), pm.mode.set('kernel')]);
    expect(mode()).toBe('kernel');
    expect(await pm.mode.get()).toEqual({ mode: 'kernel', ownerless: false });
  });

  test('close() during set() restores the mode at any moment', async () => {
    await using observer = await PathManager.open({ netns: host.name });
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
      expect(await observer.mode.get()).toEqual({ mode: 'kernel', ownerless: false });
      if (last) break;
    }
  });
});
