// Tests the encoders and decoders of the path manager's messages without the kernel.
#include "core/mptcp_pm.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>

#include <cerrno>

#include "support/bytes.h"
#include "support/kernel_test.h"

namespace mptcp::pm {
namespace {

using netlink::Attributes;
using netlink::Message;
using test::address_of;
using test::succeeded;
using test::view_of;

constexpr uint16_t kFamily = 30;

struct Encoded {
  explicit Encoded(const Command& command)
      : message(encode(command, kFamily)), view(view_of(message)) {}
  Attributes attributes() const { return view.attributes(sizeof(genlmsghdr)).value(); }
  Attributes address() const { return attributes().nested(uapi::kMptcpPmAttrAddr).value(); }

  Message message;
  netlink::MessageView view;
};

TEST(MptcpPmCommand, NamesTheFamilyAndTheCommand) {
  const Encoded encoded(FlushEndpoints{});
  EXPECT_EQ(encoded.view.header.nlmsg_type, kFamily);
  EXPECT_EQ(encoded.view.fixed<genlmsghdr>()->cmd, uapi::kMptcpPmCmdFlushAddrs);
  EXPECT_EQ(encoded.view.fixed<genlmsghdr>()->version, uapi::kMptcpPmVersion);
  EXPECT_STREQ(encoded.message.name(), "MPTCP_PM_CMD_FLUSH_ADDRS");
}

TEST(MptcpPmCommand, NamesEveryAlternative) {
  EXPECT_STREQ(command_name(AddEndpoint{}), "MPTCP_PM_CMD_ADD_ADDR");
  EXPECT_STREQ(command_name(DeleteEndpoint{}), "MPTCP_PM_CMD_DEL_ADDR");
  EXPECT_STREQ(command_name(GetEndpoint{}), "MPTCP_PM_CMD_GET_ADDR");
  EXPECT_STREQ(command_name(FlushEndpoints{}), "MPTCP_PM_CMD_FLUSH_ADDRS");
  EXPECT_STREQ(command_name(SetEndpointFlags{}), "MPTCP_PM_CMD_SET_FLAGS");
  EXPECT_STREQ(command_name(SetLimits{}), "MPTCP_PM_CMD_SET_LIMITS");
  EXPECT_STREQ(command_name(GetLimits{}), "MPTCP_PM_CMD_GET_LIMITS");
  EXPECT_STREQ(command_name(Announce{}), "MPTCP_PM_CMD_ANNOUNCE");
  EXPECT_STREQ(command_name(Remove{}), "MPTCP_PM_CMD_REMOVE");
  EXPECT_STREQ(command_name(CreateSubflow{}), "MPTCP_PM_CMD_SUBFLOW_CREATE");
  EXPECT_STREQ(command_name(DestroySubflow{}), "MPTCP_PM_CMD_SUBFLOW_DESTROY");
  EXPECT_STREQ(command_name(SetSubflowFlags{}), "MPTCP_PM_CMD_SET_FLAGS");
}

TEST(MptcpPmCommand, SendsPortsInHostOrder) {
  const Encoded encoded(AddEndpoint{{.address = address_of("192.0.2.1", 8080)}});
  EXPECT_EQ(encoded.address().get<uint16_t>(uapi::kMptcpPmAddrAttrPort), 8080);
  EXPECT_EQ(encoded.address().get<uint16_t>(uapi::kMptcpPmAddrAttrFamily), AF_INET);
}

TEST(MptcpPmCommand, SendsOnlyWhatIsSet) {
  const Encoded encoded(AddEndpoint{{.address = address_of("2001:db8::1")}});
  EXPECT_TRUE(encoded.address().get<in6_addr>(uapi::kMptcpPmAddrAttrAddr6));
  for (const uint16_t type : {uapi::kMptcpPmAddrAttrId, uapi::kMptcpPmAddrAttrPort,
                              uapi::kMptcpPmAddrAttrFlags, uapi::kMptcpPmAddrAttrIfIdx}) {
    EXPECT_FALSE(encoded.address().find(type)) << type;
  }
}

TEST(MptcpPmCommand, UsesTheInterfaceOfALinkLocalAddress) {
  const Encoded encoded(CreateSubflow{1, {.address = address_of("fe80::1%7")}, {}});
  EXPECT_EQ(encoded.address().get<int32_t>(uapi::kMptcpPmAddrAttrIfIdx), 7);
  const Encoded named(CreateSubflow{1, {.address = address_of("fe80::1%7"), .interface = 9}, {}});
  EXPECT_EQ(named.address().get<int32_t>(uapi::kMptcpPmAddrAttrIfIdx), 9);
}

TEST(MptcpPmCommand, AnnouncesWithTheSignalFlag) {
  const Encoded encoded(Announce{5, {.address = address_of("192.0.2.1"), .id = 3, .flags = 4}});
  EXPECT_EQ(encoded.attributes().get<uint32_t>(uapi::kMptcpPmAttrToken), 5U);
  EXPECT_EQ(encoded.address().get<uint32_t>(uapi::kMptcpPmAddrAttrFlags),
            uapi::kMptcpPmAddrFlagSignal | uapi::kMptcpPmAddrFlagBackup);
}

TEST(MptcpPmEvent, DecodesEveryAttribute) {
  const in_addr saddr{htonl(0xc0000201)};
  const in_addr daddr{htonl(0xc0000202)};
  Message message = test::generic(uapi::kMptcpEventSubClosed);
  message.put<uint32_t>(uapi::kMptcpAttrToken, 0xfffffffe)
      .put<uint16_t>(uapi::kMptcpAttrFamily, AF_INET)
      .put<uint8_t>(uapi::kMptcpAttrLocId, 3)
      .put<uint8_t>(uapi::kMptcpAttrRemId, 4)
      .put(uapi::kMptcpAttrSaddr4, saddr)
      .put(uapi::kMptcpAttrDaddr4, daddr)
      .put<uint16_t>(uapi::kMptcpAttrSport, htons(1000))
      .put<uint16_t>(uapi::kMptcpAttrDport, htons(443))
      .put<uint8_t>(uapi::kMptcpAttrBackup, 1)
      .put<uint8_t>(uapi::kMptcpAttrError, ECONNRESET)
      .put<uint16_t>(uapi::kMptcpAttrFlags, 1)
      .put<uint32_t>(uapi::kMptcpAttrTimeout, 60)
      .put<int32_t>(uapi::kMptcpAttrIfIdx, 2)
      .put<uint32_t>(uapi::kMptcpAttrResetReason, 6)
      .put<uint32_t>(uapi::kMptcpAttrResetFlags, 1);
  const auto event = decode_event(view_of(message));
  ASSERT_TRUE(succeeded(event));
  EXPECT_EQ(event->type, uapi::kMptcpEventSubClosed);
  EXPECT_EQ(event->token, 0xfffffffe);
  EXPECT_EQ(event->family, AF_INET);
  EXPECT_EQ(event->local_id, 3);
  EXPECT_EQ(event->remote_id, 4);
  EXPECT_EQ(event->local, address_of("192.0.2.1", 1000));
  EXPECT_EQ(event->remote, address_of("192.0.2.2", 443));
  EXPECT_EQ(event->backup, true);
  EXPECT_EQ(event->error, ECONNRESET);
  EXPECT_EQ(event->flags, 1);
  EXPECT_EQ(event->timeout, 60U);
  EXPECT_EQ(event->interface, 2);
  EXPECT_EQ(event->reset_reason, 6U);
  EXPECT_EQ(event->reset_flags, 1U);
  EXPECT_FALSE(event->server_side);
  EXPECT_TRUE(event->unknown.empty());
}

TEST(MptcpPmEvent, LeavesAbsentWhatTheKernelDoesNotSay) {
  Message message = test::generic(uapi::kMptcpEventClosed);
  message.put<uint32_t>(uapi::kMptcpAttrToken, 1);
  const auto event = decode_event(view_of(message));
  ASSERT_TRUE(succeeded(event));
  EXPECT_EQ(event->token, 1U);
  EXPECT_FALSE(event->local || event->remote || event->local_id || event->remote_id);
  EXPECT_FALSE(event->backup || event->error || event->reset_reason || event->server_side);
}

TEST(MptcpPmEvent, KnowsTheServersSideByAttributeOrFlag) {
  for (const uint8_t type : {uapi::kMptcpEventCreated, uapi::kMptcpEventEstablished}) {
    Message neither = test::generic(type);
    EXPECT_EQ(decode_event(view_of(neither))->server_side, false);
    Message attribute = test::generic(type);
    attribute.put<uint8_t>(uapi::kMptcpAttrServerSide, 1);
    EXPECT_EQ(decode_event(view_of(attribute))->server_side, true);
    Message flag = test::generic(type);
    flag.put<uint16_t>(uapi::kMptcpAttrFlags, uapi::kMptcpPmEvFlagServerSide);
    EXPECT_EQ(decode_event(view_of(flag))->server_side, true);
  }
}

TEST(MptcpPmEvent, SetsTheScopeOfALinkLocalAddress) {
  in6_addr saddr{};
  saddr.s6_addr[0] = 0xfe;
  saddr.s6_addr[1] = 0x80;
  saddr.s6_addr[15] = 1;
  Message message = test::generic(uapi::kMptcpEventSubEstablished);
  message.put(uapi::kMptcpAttrSaddr6, saddr).put<int32_t>(uapi::kMptcpAttrIfIdx, 9);
  const auto event = decode_event(view_of(message));
  ASSERT_TRUE(succeeded(event));
  EXPECT_EQ(event->local, address_of("fe80::1%9"));
}

TEST(MptcpPmEvent, KeepsAnUnknownEventRaw) {
  Message message = test::generic(99);
  message.put<uint32_t>(uapi::kMptcpAttrToken, 7).put<uint8_t>(40, 0xab);
  const auto event = decode_event(view_of(message));
  ASSERT_TRUE(succeeded(event));
  EXPECT_EQ(event->type, 99);
  EXPECT_FALSE(event->token);
  ASSERT_EQ(event->unknown.size(), 2U);
  EXPECT_EQ(event->unknown[0].type, uapi::kMptcpAttrToken);
  EXPECT_EQ(event->unknown[0].payload.size(), 4U);
  EXPECT_EQ(event->unknown[1].payload, std::vector{std::byte{0xab}});
}

TEST(MptcpPmEvent, KeepsAnUnknownAttributeOfAKnownEventRaw) {
  Message message = test::generic(uapi::kMptcpEventClosed);
  message.put<uint32_t>(uapi::kMptcpAttrToken, 7).put<uint16_t>(200, 5);
  const auto event = decode_event(view_of(message));
  ASSERT_TRUE(succeeded(event));
  EXPECT_EQ(event->token, 7U);
  ASSERT_EQ(event->unknown.size(), 1U);
  EXPECT_EQ(event->unknown[0].type, 200);
}

TEST(MptcpPmEvent, IgnoresAnAttributeOfAnotherSize) {
  Message message = test::generic(uapi::kMptcpEventSubEstablished);
  message.put<uint64_t>(uapi::kMptcpAttrToken, 7).put<uint8_t>(uapi::kMptcpAttrSaddr4, 1);
  const auto event = decode_event(view_of(message));
  ASSERT_TRUE(succeeded(event));
  EXPECT_FALSE(event->token);
  EXPECT_FALSE(event->local);
}

TEST(MptcpPmDecoders, SurviveEveryTruncation) {
  Message message = test::generic(uapi::kMptcpEventSubClosed);
  message.put<uint32_t>(uapi::kMptcpAttrToken, 1)
      .put(uapi::kMptcpAttrSaddr6, in6_addr{})
      .put<uint8_t>(uapi::kMptcpAttrBackup, 1);
  test::for_each_truncation(view_of(message), [](const netlink::MessageView& cut) {
    const auto event = decode_event(cut);
    EXPECT_TRUE(event || event.error().code == EBADMSG);
  });
  Encoded endpoint(AddEndpoint{{.address = address_of("2001:db8::1", 5), .id = 3, .flags = 7}});
  test::for_each_truncation(endpoint.view, [](const netlink::MessageView& cut) {
    const auto decoded = decode_endpoint(cut);
    ASSERT_FALSE(decoded);
    EXPECT_EQ(decoded.error().code, EBADMSG);
  });
  Encoded limits(SetLimits{1, 2});
  test::for_each_truncation(
      limits.view, [](const netlink::MessageView& cut) { EXPECT_FALSE(decode_limits(cut)); });
}

TEST(MptcpPmDecoders, ReadWhatTheBuildersWrite) {
  const Endpoint endpoint{
      .address = address_of("192.0.2.1", 5), .id = 3, .flags = 7, .interface = 4};
  EXPECT_EQ(*decode_endpoint(Encoded(AddEndpoint{endpoint}).view), endpoint);
  EXPECT_EQ(*decode_limits(Encoded(SetLimits{1, 2}).view), (Limits{1, 2}));
}

}  // namespace
}  // namespace mptcp::pm
