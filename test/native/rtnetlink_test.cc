// Tests the decoders of links, addresses and routes, with messages of its own and of the kernel.
#include "core/rtnetlink.h"

#include <gtest/gtest.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <net/if_arp.h>

#include <cerrno>

#include "support/bytes.h"
#include "support/kernel_test.h"

namespace mptcp::rtnetlink {
namespace {

using netlink::Message;
using test::address_of;
using test::succeeded;
using test::view_of;

constexpr uint32_t kGateway4 = 0x010200c0;  // 192.0.2.1 in network order on a little-endian host

Message route_message(uint8_t family) {
  Message message(RTM_NEWROUTE, "test");
  rtmsg header{};
  header.rtm_family = family;
  message.put_header(header);
  return message;
}

std::vector<std::byte> next_hop(int interface, uint8_t hops, uint16_t length) {
  rtnexthop header{};
  header.rtnh_len = length;
  header.rtnh_hops = hops;
  header.rtnh_ifindex = interface;
  const nlattr attribute{8, RTA_GATEWAY};
  std::vector<std::byte> bytes(sizeof(header) + 8);
  std::memcpy(bytes.data(), &header, sizeof(header));
  std::memcpy(bytes.data() + sizeof(header), &attribute, sizeof(attribute));
  std::memcpy(bytes.data() + sizeof(header) + 4, &kGateway4, sizeof(kGateway4));
  return bytes;
}

TEST(RtnetlinkRoute, ReadsMultipath) {
  auto hops = next_hop(3, 0, 16);
  const auto second = next_hop(4, 9, 16);
  hops.insert(hops.end(), second.begin(), second.end());
  Message message = route_message(AF_INET);
  message.put_bytes(RTA_MULTIPATH, hops);
  const auto route = decode_route(view_of(message));
  ASSERT_TRUE(succeeded(route));
  const std::vector<NextHop> expected{{address_of("192.0.2.1"), 3, 1},
                                      {address_of("192.0.2.1"), 4, 10}};
  EXPECT_EQ(route->next_hops, expected);
  EXPECT_FALSE(route->destination);
}

TEST(RtnetlinkRoute, RefusesMalformedMultipath) {
  for (const uint16_t length : {0, 7, 17, 0xffff}) {
    Message message = route_message(AF_INET);
    message.put_bytes(RTA_MULTIPATH, next_hop(3, 0, length));
    EXPECT_FALSE(decode_route(view_of(message))) << length;
  }
}

TEST(RtnetlinkRoute, ReadsAnIPv6GatewayOfAnIPv4Route) {
  std::array<std::byte, 18> via{};
  const sa_family_t family = AF_INET6;
  std::memcpy(via.data(), &family, sizeof(family));
  via[2] = std::byte{0xfe};
  via[3] = std::byte{0x80};
  via[17] = std::byte{1};
  Message message = route_message(AF_INET);
  message.put_bytes(RTA_VIA, via).put<int32_t>(RTA_OIF, 5);
  const auto route = decode_route(view_of(message));
  ASSERT_TRUE(succeeded(route));
  ASSERT_EQ(route->next_hops.size(), 1U);
  EXPECT_EQ(route->next_hops[0].gateway, address_of("fe80::1%5"));
}

TEST(RtnetlinkRoute, IgnoresAViaOfAnotherLength) {
  for (const size_t length : {0, 1, 2, 5, 17}) {
    std::vector<std::byte> via(length);
    if (length > 0) via[0] = std::byte{AF_INET};
    Message message = route_message(AF_INET6);
    message.put_bytes(RTA_VIA, via).put<int32_t>(RTA_OIF, 5);
    const auto route = decode_route(view_of(message));
    ASSERT_TRUE(succeeded(route));
    EXPECT_FALSE(route->next_hops[0].gateway) << length;
  }
}

TEST(RtnetlinkAddress, IsTheLocalOneAndNotItsPeer) {
  Message message(RTM_NEWADDR, "test");
  ifaddrmsg header{};
  header.ifa_family = AF_INET;
  message.put_header(header);
  message.put<uint32_t>(IFA_ADDRESS, kGateway4).put<uint32_t>(IFA_LOCAL, 0x0100000a);
  const auto address = decode_address(view_of(message));
  ASSERT_TRUE(succeeded(address));
  EXPECT_EQ(address->address, address_of("10.0.0.1"));
}

TEST(RtnetlinkAddress, RefusesOneWithoutAnAddressOrOfAnotherFamily) {
  for (const uint8_t family : {AF_INET, AF_INET6, AF_UNSPEC, AF_PACKET}) {
    Message message(RTM_NEWADDR, "test");
    ifaddrmsg header{};
    header.ifa_family = family;
    message.put_header(header);
    message.put<uint8_t>(IFA_LOCAL, 1);
    EXPECT_FALSE(decode_address(view_of(message)));
  }
}

TEST(RtnetlinkChange, ReportsWhetherALinkIsNew) {
  for (const auto& [change, kind] :
       {std::pair(~0U, ChangeKind::kAdded), std::pair(uint32_t{IFF_UP}, ChangeKind::kChanged)}) {
    Message message(RTM_NEWLINK, "test");
    ifinfomsg header{};
    header.ifi_change = change;
    message.put_header(header);
    const auto decoded = decode_change(view_of(message));
    ASSERT_TRUE(succeeded(decoded));
    ASSERT_TRUE(decoded->has_value());
    EXPECT_EQ((*decoded)->kind, kind);
  }
}

TEST(RtnetlinkChange, SaysOfRoutesWhetherTheyAreNew) {
  for (const auto& [flags, kind] :
       {std::pair(NLM_F_CREATE, ChangeKind::kAdded), std::pair(NLM_F_REPLACE, ChangeKind::kChanged),
        std::pair(0, ChangeKind::kAddedOrChanged)}) {
    Message message = route_message(AF_INET);
    auto view = view_of(message);
    view.header.nlmsg_flags = static_cast<uint16_t>(flags);
    const auto decoded = decode_change(view);
    ASSERT_TRUE(succeeded(decoded));
    EXPECT_EQ((*decoded)->kind, kind);
  }
}

TEST(RtnetlinkChange, PassesOverOtherFamilies) {
  for (const uint16_t type :
       {RTM_NEWLINK, RTM_DELLINK, RTM_NEWADDR, RTM_DELADDR, RTM_NEWROUTE, RTM_DELROUTE}) {
    Message message(type, "test");
    ifinfomsg header{};
    header.ifi_family = AF_BRIDGE;
    message.put_header(header);
    const auto decoded = decode_change(view_of(message));
    ASSERT_TRUE(succeeded(decoded));
    EXPECT_FALSE(decoded->has_value());
  }
}

TEST(RtnetlinkChange, SurvivesEveryTruncation) {
  auto address = test::loopback_address_message(RTM_NEWADDR, address_of("192.0.2.1"));
  Message route = route_message(AF_INET);
  route.put<uint32_t>(RTA_DST, kGateway4).put_bytes(RTA_MULTIPATH, next_hop(3, 0, 16));
  Message link(RTM_NEWLINK, "test");
  link.put_header(ifinfomsg{}).put_string(IFLA_IFNAME, "eth0");
  for (Message* message : {&address, &route, &link}) {
    test::for_each_truncation(view_of(*message), [](const netlink::MessageView& cut) {
      const auto decoded = decode_change(cut);
      EXPECT_TRUE(decoded || decoded.error().code == EBADMSG);
    });
  }
}

// Runs against the running kernel.
class Rtnetlink : public test::KernelTest {
 protected:
  void SetUp() override {
    KernelTest::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    auto socket = open();
    auto watch = open_watch();
    ASSERT_TRUE(succeeded(socket));
    ASSERT_TRUE(succeeded(watch));
    socket_.emplace(std::move(*socket));
    watch_.emplace(std::move(*watch));
  }

  Result<void> change_link(uint16_t type, const std::string& name, uint32_t flags = 0,
                           bool create = false) {
    Message message(type, "link", create ? NLM_F_CREATE | NLM_F_EXCL : 0);
    ifinfomsg header{};
    header.ifi_flags = flags;
    header.ifi_change = flags;
    message.put_header(header).put_string(IFLA_IFNAME, name);
    if (create) {
      message.nest(IFLA_LINKINFO, [](Message& info) { info.put_string(IFLA_INFO_KIND, "veth"); });
    }
    return socket_->request(message);
  }

  /// Returns the first change within half a minute that `matches`.
  template <class T>
  std::optional<Change> wait_for(ChangeKind kind, const std::function<bool(const T&)>& matches) {
    std::optional<Change> found;
    while (!found && test::wait_readable(watch_->fd())) {
      const auto received = watch_->receive([&](const netlink::MessageView& message) {
        auto change = decode_change(message);
        EXPECT_TRUE(succeeded(change));
        if (!change || !*change || (*change)->kind != kind) return;
        const auto* object = std::get_if<T>(&(*change)->object);
        if (object && matches(*object)) found = **change;
      });
      EXPECT_TRUE(succeeded(received));
    }
    return found;
  }

  std::optional<netlink::Socket> socket_;
  std::optional<netlink::Socket> watch_;
};

TEST_F(Rtnetlink, ListsLinks) {
  ASSERT_TRUE(succeeded(change_link(RTM_NEWLINK, "test0", 0, true)));
  const auto listed = links(*socket_);
  ASSERT_TRUE(succeeded(listed));
  ASSERT_EQ(listed->size(), 3U);  // the loopback and both ends of the pair
  const Link& loopback = listed->front();
  EXPECT_EQ(loopback.name, "lo");
  EXPECT_EQ(loopback.index, 1);
  EXPECT_TRUE(loopback.flags & IFF_UP);
  EXPECT_EQ(loopback.carrier, true);
  EXPECT_TRUE(loopback.mtu);
  const auto veth = std::find_if(listed->begin(), listed->end(),
                                 [](const Link& link) { return link.name == "test0"; });
  ASSERT_NE(veth, listed->end());
  EXPECT_EQ(veth->kind, "veth");
  EXPECT_EQ(veth->index, static_cast<int>(if_nametoindex("test0")));
}

TEST_F(Rtnetlink, ReportsLinksAddedChangedAndRemoved) {
  const auto is_ours = [](const Link& link) { return link.name == "test0"; };
  ASSERT_TRUE(succeeded(change_link(RTM_NEWLINK, "test0", 0, true)));
  EXPECT_TRUE(wait_for<Link>(ChangeKind::kAdded, is_ours));
  ASSERT_TRUE(succeeded(change_link(RTM_NEWLINK, "test0", IFF_UP)));
  EXPECT_TRUE(wait_for<Link>(ChangeKind::kChanged, [&](const Link& link) {
    return is_ours(link) && (link.flags & IFF_UP) != 0;
  }));
  ASSERT_TRUE(succeeded(change_link(RTM_DELLINK, "test0")));
  EXPECT_TRUE(wait_for<Link>(ChangeKind::kRemoved, is_ours));
}

TEST_F(Rtnetlink, ListsAddressesAndReportsThemAddedAndRemoved) {
  for (const char* text : {"192.0.2.1", "2001:db8::1"}) {
    const Address address = address_of(text);
    const auto is_ours = [&](const InterfaceAddress& each) { return each.address == address; };
    ASSERT_TRUE(succeeded(test::add_loopback_address(*socket_, address)));
    EXPECT_TRUE(wait_for<InterfaceAddress>(ChangeKind::kAddedOrChanged, is_ours));

    const auto listed = addresses(*socket_);
    ASSERT_TRUE(succeeded(listed));
    const auto found = std::find_if(listed->begin(), listed->end(), is_ours);
    ASSERT_NE(found, listed->end());
    EXPECT_EQ(found->interface, 1);
    EXPECT_EQ(found->prefix_length, address.family == AF_INET ? 32 : 128);
    EXPECT_EQ(found->scope, RT_SCOPE_UNIVERSE);

    ASSERT_TRUE(succeeded(test::delete_loopback_address(*socket_, address)));
    EXPECT_TRUE(wait_for<InterfaceAddress>(ChangeKind::kRemoved, is_ours));
  }
}

TEST_F(Rtnetlink, StreamsRoutesAndReportsThemAddedAndRemoved) {
  const Address address = address_of("192.0.2.1");
  const auto is_ours = [&](const Route& route) { return route.destination == address; };
  ASSERT_TRUE(succeeded(test::add_loopback_address(*socket_, address)));
  EXPECT_TRUE(wait_for<Route>(ChangeKind::kAdded, is_ours));

  std::optional<Route> found;
  int seen = 0;
  ASSERT_TRUE(succeeded(routes(
      *socket_,
      [&](const Route& route) {
        ++seen;
        if (is_ours(route)) found = route;
        return true;
      },
      [] {})));
  ASSERT_TRUE(found);
  EXPECT_GT(seen, 1);
  EXPECT_EQ(found->table, static_cast<uint32_t>(RT_TABLE_LOCAL));
  EXPECT_EQ(found->type, RTN_LOCAL);
  EXPECT_EQ(found->protocol, RTPROT_KERNEL);
  EXPECT_EQ(found->prefix_length, 32);
  EXPECT_EQ(found->next_hops, (std::vector<NextHop>{{std::nullopt, 1, 1}}));

  ASSERT_TRUE(succeeded(test::delete_loopback_address(*socket_, address)));
  EXPECT_TRUE(wait_for<Route>(ChangeKind::kRemoved, is_ours));
}

}  // namespace
}  // namespace mptcp::rtnetlink
