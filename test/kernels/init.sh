#!/bin/busybox sh
# The first program of a guest: loads the drivers, mounts the machine's files, read-only and with
# memory above them for what the guest writes, and hands over to guest.sh.
set -e
export PATH=/bin
/bin/busybox mkdir -p /proc /machine /above /root
/bin/busybox --install -s /bin
mount -t proc proc /proc
for module in $(cat /modules/order); do insmod "/modules/$module"; done
mount -t virtiofs -o ro machine /machine
mount -t tmpfs -o size=75% above /above
mkdir /above/files /above/work
mount -t overlay -o lowerdir=/machine,upperdir=/above/files,workdir=/above/work machine /root
cd /root
for name in proc dev sys run dev/shm dev/pts mptcp-guest "lib/modules/$(uname -r)"; do mkdir -p "$name"; done
mount -t devtmpfs dev dev
mkdir -p dev/shm dev/pts
mount -t proc proc proc
mount -t sysfs sys sys
mount -t tmpfs run run
mount -t tmpfs shm dev/shm
mount -t devpts pts dev/pts
mount -t virtiofs guest mptcp-guest
# The kernel starts modprobe where its first process is: there it must find the modules.
mount --bind "/root$(cat /modules/folder)" "lib/modules/$(uname -r)"
umount /proc
exec switch_root /root /bin/sh /mptcp-guest/guest.sh
