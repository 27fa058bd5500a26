// Tests the netlink socket against the running kernel's rtnetlink and generic netlink controller.
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>

#include <algorithm>
#include <cerrno>
#include <thread>

#include "core/netlink/generic.h"
#include "core/netlink/socket.h"
#include "core/network_namespace.h"
#include "support/kernel_test.h"

namespace mptcp::netlink {
namespace {

using test::succeeded;

class NetlinkSocket : public test::KernelTest {
 protected:
  void SetUp() override {
    KernelTest::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    auto opened = Socket::open(NETLINK_ROUTE);
    ASSERT_TRUE(succeeded(opened));
    route_.emplace(std::move(*opened));
  }

  void add_addresses(int count) {
    std::vector<Message> messages;
    for (int i = 0; i < count; ++i) messages.push_back(new_address(i));
    for (const auto& result : route_->pipeline(messages)) ASSERT_TRUE(succeeded(result));
  }

  static Message new_address(int i) {
    const auto text = "10.9." + std::to_string(i / 250) + '.' + std::to_string(1 + i % 250);
    return test::loopback_address_message(RTM_NEWADDR, test::address_of(text));
  }

  static Message loopback_message(uint16_t type, const char* name, uint16_t flags = 0) {
    Message message(type, name, flags);
    ifinfomsg header{};
    header.ifi_index = 1;
    message.put_header(header);
    return message;
  }

  // Each name adds 132 bytes to the answer to RTM_GETLINK.
  void add_names(int count) {
    constexpr uint16_t kCreate = NLM_F_EXCL | NLM_F_CREATE | NLM_F_APPEND;
    auto names = loopback_message(RTM_NEWLINKPROP, "RTM_NEWLINKPROP", kCreate);
    names.nest(IFLA_PROP_LIST, [&](Message& nested) {
      for (int i = 0; i < count; ++i) {
        nested.put_string(IFLA_ALT_IFNAME, std::string(124, 'x') + std::to_string(100 + i));
      }
    });
    ASSERT_TRUE(succeeded(route_->request(names)));
  }

  static Message address_dump() {
    Message message(RTM_GETADDR, "RTM_GETADDR");
    ifaddrmsg header{};
    header.ifa_family = AF_INET;
    message.put_header(header);
    return message;
  }

  static Result<int> count_addresses(Socket& socket) {
    int count = 0;
    auto dump = address_dump();
    const auto dumped = socket.dump(
        dump, [&](const MessageView&) { return ++count > 0; }, [&] { count = 0; });
    if (!dumped) return dumped.error();
    return count;
  }

  std::optional<Socket> route_;
};

constexpr int kLoopback = 1;  // 127.0.0.1

TEST_F(NetlinkSocket, RunsManyRequestsInOrderAndPastOneThatFails) {
  std::vector<Message> messages;
  for (int i = 0; i < 200; ++i) messages.push_back(new_address(i == 150 ? 149 : i));
  auto results = route_->pipeline(messages);
  ASSERT_EQ(results.size(), 200U);
  for (size_t i = 0; i < results.size(); ++i) {
    if (i == 150) continue;
    EXPECT_TRUE(succeeded(results[i])) << i;
  }
  ASSERT_FALSE(results[150]);
  EXPECT_EQ(results[150].error().code, EEXIST);
  EXPECT_EQ(results[150].error().call, "RTM_NEWADDR");
  EXPECT_EQ(*count_addresses(*route_), kLoopback + 199);
}

TEST_F(NetlinkSocket, ReportsTheKernelsTextAndTheOffendingAttribute) {
  auto message = test::loopback_address_message(RTM_NEWADDR, test::address_of("10.9.0.1"));
  const auto offset = static_cast<uint32_t>(message.bytes().size());
  message.put<uint8_t>(IFA_CACHEINFO, 1);
  const auto result = route_->request(message);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ERANGE);
  EXPECT_FALSE(result.error().extack.empty());
  EXPECT_EQ(result.error().offending_attribute, offset);
}

TEST_F(NetlinkSocket, ReceivesRepliesOfAnySizeFromAPipeline) {
  add_names(64);
  std::vector<Message> messages;
  for (int i = 0; i < 8; ++i) {
    messages.push_back(loopback_message(RTM_GETLINK, "RTM_GETLINK"));
  }
  messages[2] = new_address(1);  // its only answer is an acknowledgement
  std::vector<size_t> sizes(messages.size());
  const auto results = route_->pipeline(
      messages, [&](size_t index, const MessageView& view) { sizes[index] = view.payload.size(); });
  for (size_t i = 0; i < results.size(); ++i) {
    EXPECT_TRUE(succeeded(results[i])) << i;
    EXPECT_TRUE(i == 2 || sizes[i] > 8192U) << i;
  }
}

TEST_F(NetlinkSocket, ReceivesAReplyOfMoreThan64KiB) {
  add_names(490);
  auto get = loopback_message(RTM_GETLINK, "RTM_GETLINK");
  size_t size = 0;
  EXPECT_TRUE(succeeded(
      route_->request(get, [&](const MessageView& view) { size = view.payload.size(); })));
  EXPECT_GT(size, 64U * 1024);
}

TEST_F(NetlinkSocket, StreamsADumpOfManyDatagrams) {
  add_addresses(1000);
  EXPECT_EQ(*count_addresses(*route_), kLoopback + 1000);
}

TEST_F(NetlinkSocket, EndsADumpEarlyAndIsReadyForTheNextRequest) {
  add_addresses(1000);
  int seen = 0;
  auto dump = address_dump();
  EXPECT_TRUE(succeeded(route_->dump(
      dump, [&](const MessageView&) { return ++seen < 3; }, [] { FAIL(); })));
  EXPECT_EQ(seen, 3);
  EXPECT_EQ(*count_addresses(*route_), kLoopback + 1000);
}

TEST_F(NetlinkSocket, RetriesADumpThatAChangeHasInterrupted) {
  add_addresses(2000);
  auto other = Socket::open(NETLINK_ROUTE);
  ASSERT_TRUE(succeeded(other));
  int seen = 0;
  int restarts = 0;
  auto dump = address_dump();
  const auto dumped = route_->dump(
      dump,
      [&](const MessageView&) {
        // The kernel has filled only the first datagrams, so that a change now interrupts the dump.
        if (++seen == 1 && restarts == 0) {
          auto change = new_address(2000);
          EXPECT_TRUE(succeeded(other->request(change)));
        }
        return true;
      },
      [&] {
        ++restarts;
        seen = 0;
      });
  EXPECT_TRUE(succeeded(dumped));
  EXPECT_EQ(restarts, 1);
  EXPECT_EQ(seen, kLoopback + 2001);
}

TEST_F(NetlinkSocket, FailsAfterADumpIsInterruptedEveryTime) {
  add_addresses(2000);
  auto other = Socket::open(NETLINK_ROUTE);
  ASSERT_TRUE(succeeded(other));
  int restarts = 0;
  bool changed = false;
  auto dump = address_dump();
  const auto dumped = route_->dump(
      dump,
      [&](const MessageView&) {
        if (!std::exchange(changed, true)) {
          auto change = new_address(2000 + restarts);
          EXPECT_TRUE(succeeded(other->request(change)));
        }
        return true;
      },
      [&] {
        ++restarts;
        changed = false;
      });
  ASSERT_FALSE(dumped);
  EXPECT_EQ(dumped.error().code, EINTR);
  EXPECT_EQ(restarts, Socket::kDumpAttempts - 1);
}

TEST_F(NetlinkSocket, ReportsARefusedDump) {
  Message message(RTM_GETADDR, "RTM_GETADDR");
  ifaddrmsg header{};
  header.ifa_prefixlen = 24;  // strict checking refuses a field that a dump does not use
  message.put_header(header);
  const auto dumped = route_->dump(
      message, [](const MessageView&) { return true; }, [] {});
  ASSERT_FALSE(dumped);
  EXPECT_EQ(dumped.error().code, EINVAL);
  EXPECT_FALSE(dumped.error().extack.empty());
}

TEST_F(NetlinkSocket, ReceivesMulticastUntilNothingWaits) {
  auto watch = Socket::open(NETLINK_ROUTE);
  ASSERT_TRUE(succeeded(watch));
  ASSERT_TRUE(succeeded(watch->join(RTNLGRP_IPV4_IFADDR)));
  EXPECT_EQ(*watch->receive([](const MessageView&) { FAIL(); }), 0U);
  add_addresses(1);
  uint16_t type = 0;
  EXPECT_EQ(*watch->receive([&](const MessageView& view) { type = view.header.nlmsg_type; }), 1U);
  EXPECT_EQ(type, RTM_NEWADDR);
}

TEST_F(NetlinkSocket, IgnoresWhatAnotherProcessSends) {
  auto watch = Socket::open(NETLINK_ROUTE);
  ASSERT_TRUE(succeeded(watch));
  ASSERT_TRUE(succeeded(watch->join(RTNLGRP_IPV4_IFADDR)));
  sockaddr_nl target{};
  socklen_t length = sizeof(target);
  ASSERT_EQ(getsockname(watch->fd(), reinterpret_cast<sockaddr*>(&target), &length), 0);
  auto message = new_address(1);
  message.stamp(0, 1);
  const auto forged = message.bytes();
  const UniqueFd other(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));
  ASSERT_EQ(sendto(other.get(), forged.data(), forged.size(), 0,
                   reinterpret_cast<const sockaddr*>(&target), length),
            static_cast<ssize_t>(forged.size()));
  add_addresses(1);  // the kernel's own message comes after the forged one
  size_t received = 0;
  EXPECT_EQ(*watch->receive([&](const MessageView& view) { received += view.header.nlmsg_len; }),
            1U);
  EXPECT_GT(received, forged.size());
}

TEST_F(NetlinkSocket, ReportsAnOverflowAndContinues) {
  auto watch = Socket::open(NETLINK_ROUTE);
  ASSERT_TRUE(succeeded(watch));
  ASSERT_TRUE(succeeded(watch->join(RTNLGRP_IPV4_IFADDR)));
  const auto size = watch->set_receive_buffer(1);  // the kernel applies its minimum
  ASSERT_TRUE(succeeded(size));
  EXPECT_GT(*size, 1);
  add_addresses(200);
  const auto ignore = [](const MessageView&) {};
  const auto first = watch->receive(ignore);
  ASSERT_FALSE(first);
  EXPECT_EQ(first.error().code, ENOBUFS);
  size_t kept = 0;
  for (auto more = watch->receive(ignore); *more > 0; more = watch->receive(ignore)) kept += *more;
  EXPECT_GT(kept, 0U);
  EXPECT_LT(kept, 200U);
}

TEST_F(NetlinkSocket, ResolvesFamiliesAndTheirGroups) {
  auto generic = Socket::open(NETLINK_GENERIC);
  ASSERT_TRUE(succeeded(generic));
  const auto control = resolve_family(*generic, "nlctrl");
  ASSERT_TRUE(succeeded(control));
  EXPECT_EQ(control->id, GENL_ID_CTRL);
  EXPECT_TRUE(control->group("notify"));
  EXPECT_FALSE(control->group("no such group"));
  EXPECT_NE(std::find(control->commands.begin(), control->commands.end(), CTRL_CMD_GETFAMILY),
            control->commands.end());
}

TEST_F(NetlinkSocket, ReportsAnUnknownFamily) {
  auto generic = Socket::open(NETLINK_GENERIC);
  ASSERT_TRUE(succeeded(generic));
  const auto family = resolve_family(*generic, "no_such_family");
  ASSERT_FALSE(family);
  EXPECT_EQ(family.error().code, ENOENT);
  EXPECT_EQ(family.error().call, "CTRL_CMD_GETFAMILY");
}

TEST_F(NetlinkSocket, OpensInTheNamespaceThatItsThreadHasEntered) {
  add_addresses(5);
  const UniqueFd there = test::current_network_namespace();
  const std::string path = "/proc/self/fd/" + std::to_string(there.get());
  const auto count = [] {
    auto socket = Socket::open(NETLINK_ROUTE);
    EXPECT_TRUE(succeeded(socket));
    return *count_addresses(*socket);
  };
  KernelTest::SetUp();
  EXPECT_EQ(count(), kLoopback);
  std::thread([&] {
    EXPECT_TRUE(succeeded(enter_network_namespace(path)));
    EXPECT_EQ(count(), kLoopback + 5);
  }).join();
  EXPECT_EQ(count(), kLoopback);
}

TEST(NetworkNamespace, NamesTheOneThatDoesNotExist) {
  const auto by_name = enter_network_namespace("no such namespace");
  ASSERT_FALSE(by_name);
  EXPECT_EQ(by_name.error().code, ENOENT);
  EXPECT_EQ(by_name.error().call, "open /run/netns/no such namespace");
}

TEST(NetworkNamespace, RefusesAnotherFile) {
  const auto result = enter_network_namespace("/dev/null");
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, EINVAL);
  EXPECT_EQ(result.error().call, "setns");
}

}  // namespace
}  // namespace mptcp::netlink
