// Tests how addresses are parsed, converted and written.
#include "core/address.h"

#include <gtest/gtest.h>
#include <net/if.h>

namespace mptcp {
namespace {

TEST(Address, IsWrittenAsItWasParsed) {
  for (const char* text : {"192.0.2.1", "0.0.0.0", "2001:db8::1", "::", "::1", "fe80::1%lo"}) {
    const auto address = parse_address(text);
    ASSERT_TRUE(address) << text;
    EXPECT_EQ(to_text(*address), text);
  }
}

TEST(Address, RefusesOtherTexts) {
  for (const char* text : {"", "192.0.2", "192.0.2.1%lo", "example.org", "fe80::1%",
                           "fe80::1%no-such-if", "2001:db8::1::", "1.2.3.4 "}) {
    EXPECT_FALSE(parse_address(text)) << text;
  }
}

TEST(Address, ReadsV4MappedAsIPv4) {
  const auto address = parse_address("::ffff:192.0.2.7", 80);
  ASSERT_TRUE(address);
  EXPECT_EQ(address->family, AF_INET);
  EXPECT_EQ(address->port, 80);
  EXPECT_EQ(to_text(*address), "192.0.2.7");
}

TEST(Address, KeepsTheScopeOfLinkLocalAddresses) {
  const auto by_name = parse_address("fe80::1%lo");
  ASSERT_TRUE(by_name);
  EXPECT_EQ(by_name->scope, if_nametoindex("lo"));
  const auto by_index = parse_address("fe80::1%4000000");
  ASSERT_TRUE(by_index);
  EXPECT_EQ(to_text(*by_index), "fe80::1%4000000");
}

TEST(Address, IsUnchangedByAConversionToSockaddr) {
  for (const char* text : {"192.0.2.1", "2001:db8::1", "fe80::1%lo"}) {
    const auto address = parse_address(text, 8443);
    ASSERT_TRUE(address);
    sockaddr_storage storage;
    const socklen_t length = to_sockaddr(*address, &storage);
    EXPECT_EQ(length, address->family == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6));
    EXPECT_EQ(from_sockaddr(storage), *address);
  }
}

TEST(Address, IsUnspecifiedForAnotherFamily) {
  sockaddr_storage storage{};
  storage.ss_family = AF_UNIX;
  EXPECT_EQ(from_sockaddr(storage).family, AF_UNSPEC);
}

}  // namespace
}  // namespace mptcp
