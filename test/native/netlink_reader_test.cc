// Tests the reader against what a hostile or future kernel might send, and the writer against it.
#include <gtest/gtest.h>

#include <vector>

#include "core/netlink/message.h"
#include "core/netlink/reader.h"

namespace mptcp::netlink {
namespace {

std::vector<std::byte> attribute(uint16_t length, uint16_t type, size_t payload) {
  nlattr header{length, type};
  std::vector<std::byte> bytes(sizeof(header) + payload);
  std::memcpy(bytes.data(), &header, sizeof(header));
  return bytes;
}

TEST(Attributes, NoneAreWellFormed) {
  const auto attributes = Attributes::parse({});
  ASSERT_TRUE(attributes);
  EXPECT_FALSE(attributes->find(1));
}

TEST(Attributes, RefusesOneCutInItsHeader) {
  const auto bytes = attribute(4, 1, 0);
  for (size_t length : {1, 2, 3}) EXPECT_FALSE(Attributes::parse(Bytes(bytes).first(length)));
}

TEST(Attributes, RefusesOneLongerThanWhatIsLeft) {
  EXPECT_FALSE(Attributes::parse(attribute(9, 1, 4)));
  EXPECT_FALSE(Attributes::parse(attribute(0xffff, 1, 4)));
}

TEST(Attributes, RefusesOneShorterThanItsHeader) {
  for (uint16_t length : {0, 1, 3}) EXPECT_FALSE(Attributes::parse(attribute(length, 1, 4)));
}

TEST(Attributes, AcceptsALastOneWithoutItsPadding) {
  const auto bytes = attribute(5, 1, 1);
  const auto attributes = Attributes::parse(bytes);
  ASSERT_TRUE(attributes);
  EXPECT_EQ(attributes->get<uint8_t>(1), 0);
}

TEST(Attributes, ReadsANumberOnlyAtItsExactSize) {
  const auto bytes = attribute(8, 1, 4);
  const auto attributes = Attributes::parse(bytes);
  ASSERT_TRUE(attributes);
  EXPECT_TRUE(attributes->get<uint32_t>(1));
  EXPECT_FALSE(attributes->get<uint16_t>(1));
  EXPECT_FALSE(attributes->get<uint64_t>(1));
  EXPECT_FALSE(attributes->get<uint32_t>(2));
}

TEST(Attributes, FindsTheLastOfDuplicates) {
  Message message(0, "test");
  message.put<uint32_t>(1, 7).put<uint32_t>(2, 8).put<uint32_t>(1, 9);
  const auto attributes = Attributes::parse(message.bytes().subspan(sizeof(nlmsghdr)));
  ASSERT_TRUE(attributes);
  EXPECT_EQ(attributes->get<uint32_t>(1), 9U);
}

TEST(Attributes, EndsAStringAtItsZero) {
  Message message(0, "test");
  message.put_string(1, "lo").put_bytes(2, std::as_bytes(std::span("xyz", 3)));
  const auto attributes = Attributes::parse(message.bytes().subspan(sizeof(nlmsghdr)));
  ASSERT_TRUE(attributes);
  EXPECT_EQ(attributes->find(1)->as_string(), "lo");
  EXPECT_EQ(attributes->find(1)->payload.size(), 3U);
  EXPECT_EQ(attributes->find(2)->as_string(), "xyz");
}

TEST(Attributes, ReadsWhatIsNestedDownToABound) {
  Message message(0, "test");
  const std::function<void(Message&, int)> nest = [&](Message& outer, int depth) {
    outer.nest(1, [&](Message& inner) {
      if (depth > 1) nest(inner, depth - 1);
    });
  };
  nest(message, Attributes::kMaxDepth + 2);
  auto attributes = Attributes::parse(message.bytes().subspan(sizeof(nlmsghdr)));
  int depth = 0;
  for (; attributes; attributes = attributes->nested(1)) ++depth;
  EXPECT_EQ(depth, Attributes::kMaxDepth + 1);
}

TEST(Attributes, RefusesANestThatIsMalformedInside) {
  Message message(0, "test");
  message.put<uint32_t>(1, 0xffffffff);
  const auto attributes = Attributes::parse(message.bytes().subspan(sizeof(nlmsghdr)));
  ASSERT_TRUE(attributes);
  EXPECT_FALSE(attributes->nested(1));
}

TEST(NextMessage, ReadsAllOfADatagram) {
  Message first(17, "first");
  Message second(18, "second");
  first.put<uint8_t>(1, 5);
  first.stamp(NLM_F_REQUEST, 1);
  second.stamp(NLM_F_REQUEST, 2);
  std::vector<std::byte> bytes(first.bytes().begin(), first.bytes().end());
  bytes.insert(bytes.end(), second.bytes().begin(), second.bytes().end());

  Bytes datagram(bytes);
  const auto one = next_message(datagram);
  ASSERT_TRUE(one);
  EXPECT_EQ(one->header.nlmsg_type, 17);
  EXPECT_EQ(one->attributes(0)->get<uint8_t>(1), 5);
  const auto two = next_message(datagram);
  ASSERT_TRUE(two);
  EXPECT_EQ(two->header.nlmsg_seq, 2U);
  EXPECT_TRUE(two->payload.empty());
  EXPECT_TRUE(datagram.empty());
  EXPECT_FALSE(next_message(datagram));
}

TEST(NextMessage, RefusesWrongLengths) {
  Message message(17, "test");
  message.put<uint64_t>(1, 0);
  message.stamp(0, 1);
  for (const uint32_t length : {0U, 15U, 29U, 0xffffffffU}) {
    std::vector<std::byte> bytes(message.bytes().begin(), message.bytes().end());
    std::memcpy(bytes.data(), &length, sizeof(length));
    Bytes datagram(bytes);
    EXPECT_FALSE(next_message(datagram)) << length;
    EXPECT_FALSE(datagram.empty());
  }
}

TEST(MessageView, HasNoAttributesBehindATruncatedFixedStruct) {
  const std::byte two[2]{};
  MessageView message;
  message.payload = two;
  EXPECT_FALSE(message.fixed<uint32_t>());
  EXPECT_FALSE(message.attributes(sizeof(uint32_t)));
}

}  // namespace
}  // namespace mptcp::netlink
