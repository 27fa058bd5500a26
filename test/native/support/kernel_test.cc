// Sets up network namespaces, addresses and sysctls for the tests.
#include "support/kernel_test.h"

#include <fcntl.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <fstream>

namespace mptcp::test {
namespace {

bool bring_loopback_up() {
  const UniqueFd fd(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  ifreq request{};
  std::strncpy(request.ifr_name, "lo", IFNAMSIZ - 1);
  if (ioctl(fd.get(), SIOCGIFFLAGS, &request) != 0) return false;
  request.ifr_flags = static_cast<short>(request.ifr_flags | IFF_UP);
  return ioctl(fd.get(), SIOCSIFFLAGS, &request) == 0;
}

void write_file(const std::string& path, const std::string& text) {
  std::ofstream file(path);
  file << text << std::flush;
  ASSERT_TRUE(file.good()) << path << " refuses " << text;
}

}  // namespace

void KernelTest::SetUp() {
  if (unshare(CLONE_NEWNET) == 0 && bring_loopback_up()) return;
  ASSERT_EQ(std::getenv("MPTCP_TEST_REQUIRE_ALL"), nullptr)
      << "no network namespace: " << std::strerror(errno);
  GTEST_SKIP() << "no network namespace: " << std::strerror(errno);
}

void enter_user_namespace() {
  const uid_t uid = geteuid();
  const gid_t gid = getegid();
  if (uid == 0 || unshare(CLONE_NEWUSER) != 0) return;
  write_file("/proc/self/setgroups", "deny");
  write_file("/proc/self/uid_map", "0 " + std::to_string(uid) + " 1");
  write_file("/proc/self/gid_map", "0 " + std::to_string(gid) + " 1");
}

UniqueFd current_network_namespace() {
  return UniqueFd(open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
}

netlink::Message loopback_address_message(uint16_t type, const Address& address) {
  const bool v4 = address.family == AF_INET;
  ifaddrmsg header{};
  header.ifa_family = static_cast<uint8_t>(address.family);
  header.ifa_prefixlen = v4 ? 32 : 128;
  header.ifa_flags = IFA_F_NODAD;
  header.ifa_index = if_nametoindex("lo");
  netlink::Message message(type, type == RTM_NEWADDR ? "RTM_NEWADDR" : "RTM_DELADDR");
  message.put_header(header);
  message.put_bytes(IFA_LOCAL, std::as_bytes(std::span(address.bytes)).first(v4 ? 4 : 16));
  return message;
}

Result<void> add_loopback_address(netlink::Socket& route, const Address& address) {
  // The kernel inserts the local route of an IPv6 address from a work queue, so after its answer.
  auto watch = netlink::Socket::open(NETLINK_ROUTE);
  if (!watch) return watch.error();
  if (auto joined = watch->join(RTNLGRP_IPV6_ROUTE); !joined) return joined;
  auto message = loopback_address_message(RTM_NEWADDR, address);
  if (auto added = route.request(message); !added) return added;
  bool routed = address.family == AF_INET;
  while (!routed && wait_readable(watch->fd())) {
    const auto received = watch->receive([&](const netlink::MessageView& view) {
      const auto route_header = view.fixed<rtmsg>();
      const auto attributes = view.attributes(sizeof(rtmsg));
      const auto destination = attributes ? attributes->get<in6_addr>(RTA_DST) : std::nullopt;
      routed = routed || (destination && route_header->rtm_type == RTN_LOCAL &&
                          from_bytes(AF_INET6, &*destination) == address);
    });
    if (!received) return received.error();
  }
  EXPECT_TRUE(routed) << to_text(address);
  return {};
}

bool wait_readable(int fd) {
  pollfd entry{fd, POLLIN, 0};
  return poll(&entry, 1, 30000) == 1;
}

Result<void> delete_loopback_address(netlink::Socket& route, const Address& address) {
  auto message = loopback_address_message(RTM_DELADDR, address);
  return route.request(message);
}

std::string read_sysctl(const std::string& name) {
  std::string value;
  std::getline(std::ifstream("/proc/sys/" + name), value);
  return value;
}

void write_sysctl(const std::string& name, const std::string& value) {
  write_file("/proc/sys/" + name, value);
}

Address address_of(const std::string& text, uint16_t port) {
  const auto address = parse_address(text, port);
  EXPECT_TRUE(address) << text;
  return address.value_or(Address{});
}

}  // namespace mptcp::test
