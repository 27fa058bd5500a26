/** The first files of a guest: busybox, the drivers that its root needs, and init.sh. */
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { run } from '../lab/namespace';
import type { Kernel } from './debian-kernels';

const DRIVERS = ['virtio_pci', 'virtiofs', 'overlay'] as const;

/** The modules of these drivers that are not part of the image, each after those that it needs. */
function modulesOf({ root, release }: Kernel): string[] {
  const order = DRIVERS.flatMap((driver) => {
    const args = ['-C', '/dev/null', '-d', root, '-S', release, '--show-depends', driver];
    return Array.from(run('modprobe', args).matchAll(/^insmod (\S+)/gm), ([, path]) => path!);
  });
  return [...new Set(order)];
}

/** Builds it in `folder`, and returns its path. */
export function buildInitramfs(kernel: Kernel, folder: string): string {
  const files = join(folder, 'initramfs');
  const modules = join(files, 'modules');
  for (const each of [join(files, 'bin'), join(files, 'dev'), modules])
    mkdirSync(each, { recursive: true });
  copyFileSync('/bin/busybox', join(files, 'bin', 'busybox'));
  copyFileSync(join(__dirname, 'init.sh'), join(files, 'init'));
  run('chmod', ['+x', join(files, 'init')]);
  const names = modulesOf(kernel).map((path) => {
    const name = basename(path).replace(/\.ko.*$/, '.ko');
    const read = path.endsWith('.xz') ? 'xz -dc' : path.endsWith('.zst') ? 'zstd -dc' : 'cat';
    run('sh', ['-euc', `${read} "$0" > "$1"`, path, join(modules, name)]);
    return name;
  });
  writeFileSync(join(modules, 'order'), names.join('\n'));
  writeFileSync(join(modules, 'folder'), kernel.modules);
  const archive = join(folder, 'initramfs.cpio');
  run('sh', ['-euc', 'cd "$0" && find . | cpio --quiet -o -H newc > "$1"', files, archive]);
  return archive;
}
