# The first program on the guest's root: runs the command in /mptcp-guest/command, leaves its exit
# status in /mptcp-guest/status, and turns the guest off.
. /mptcp-guest/environment
ip link set lo up
hostname kernels
mkdir -p /run/netns
sh /mptcp-guest/command
echo $? > /mptcp-guest/status
sync
echo o > /proc/sysrq-trigger
while :; do sleep 1; done # a first process must not end
