// Tests the decoders and dumps of connections and subflows by sock_diag.
#include "core/sock_diag.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/tcp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "core/mptcp_pm.h"
#include "core/uapi/inet_diag.h"
#include "support/bytes.h"
#include "support/capabilities.h"
#include "support/connection.h"
#include "support/kernel_test.h"

namespace mptcp::sock_diag {
namespace {

using netlink::Message;
using test::address_of;
using test::succeeded;
using test::view_of;

Message diag_message(uint8_t family) {
  Message message(uapi::kSockDiagByFamily, "test");
  uapi::InetDiagMsg header{};
  header.family = family;
  header.state = TCP_ESTABLISHED;
  header.id.sport = htons(1000);
  header.id.dport = htons(443);
  header.id.src[0] = htonl(0xc0000201);
  header.id.dst[0] = htonl(0xc0000202);
  message.put_header(header);
  return message;
}

Message subflow_message() {
  Message message = diag_message(AF_INET);
  message.nest(uapi::kInetDiagUlpInfo, [](Message& ulp) {
    ulp.put_string(uapi::kInetUlpInfoName, "mptcp");
    ulp.nest(uapi::kInetUlpInfoMptcp, [](Message& data) {
      data.put<uint32_t>(uapi::kMptcpSubflowAttrTokenLoc, 5)
          .put<uint32_t>(uapi::kMptcpSubflowAttrTokenRem, 6)
          .put<uint8_t>(uapi::kMptcpSubflowAttrIdLoc, 8);
    });
  });
  return message;
}

TEST(SockDiagConnection, IsReadAtTheLengthOfTheKernel) {
  for (const size_t length : {0, 12, 16, 43, 96, 104}) {
    Message message = diag_message(AF_INET);
    const std::vector<std::byte> info(length, std::byte{1});
    message.put_bytes(uapi::kInetDiagInfo, info);
    const auto connection = decode_connection(view_of(message));
    ASSERT_TRUE(succeeded(connection));
    ASSERT_TRUE(connection->info);
    EXPECT_EQ(connection->info->length, std::min<size_t>(length, 96));
    EXPECT_EQ(connection->token.has_value(), length >= 16) << length;
  }
}

TEST(SockDiagConnection, HasAddressesAndState) {
  Message message = diag_message(AF_INET);
  const auto connection = decode_connection(view_of(message));
  ASSERT_TRUE(succeeded(connection));
  EXPECT_EQ(connection->local, address_of("192.0.2.1", 1000));
  EXPECT_EQ(connection->remote, address_of("192.0.2.2", 443));
  EXPECT_EQ(connection->state, TCP_ESTABLISHED);
  EXPECT_FALSE(connection->info || connection->token);
}

TEST(SockDiagConnection, IsOfAnInternetFamily) {
  Message message = diag_message(AF_UNIX);
  EXPECT_FALSE(decode_connection(view_of(message)));
  EXPECT_FALSE(decode_subflow(view_of(message), true));
}

TEST(SockDiagSubflow, HasTheFieldsThatTheKernelReports) {
  Message message = subflow_message();
  const auto subflow = decode_subflow(view_of(message), true);
  ASSERT_TRUE(succeeded(subflow));
  ASSERT_TRUE(subflow->has_value());
  EXPECT_EQ((*subflow)->token, 5U);
  EXPECT_EQ((*subflow)->remote_token, 6U);
  EXPECT_EQ((*subflow)->local_id, 8);
  EXPECT_FALSE((*subflow)->remote_id);
  EXPECT_FALSE((*subflow)->tcp_info);
}

TEST(SockDiagSubflow, IsNoPlainTcpSocket) {
  Message plain = diag_message(AF_INET);
  EXPECT_FALSE(decode_subflow(view_of(plain), true)->has_value());
  Message tls = diag_message(AF_INET);
  tls.nest(uapi::kInetDiagUlpInfo,
           [](Message& ulp) { ulp.put_string(uapi::kInetUlpInfoName, "tls"); });
  EXPECT_FALSE(decode_subflow(view_of(tls), true)->has_value());
}

TEST(SockDiagDecoders, SurviveEveryTruncation) {
  Message message = subflow_message();
  test::for_each_truncation(view_of(message), [](const netlink::MessageView& cut) {
    const auto subflow = decode_subflow(cut, true);
    EXPECT_TRUE(subflow || subflow.error().code == EBADMSG);
    const auto connection = decode_connection(cut);
    EXPECT_TRUE(connection || connection.error().code == EBADMSG);
  });
}

struct Addresses {
  const char* name;
  const char* first;
  const char* second;
};

void PrintTo(const Addresses& addresses, std::ostream* out) { *out << addresses.name; }

uint64_t inode_of(const UniqueFd& fd) {
  struct stat status {};
  EXPECT_EQ(fstat(fd.get(), &status), 0);
  return status.st_ino;
}

// Makes a listener with one connection, which has a second subflow from an endpoint.
class SockDiag : public test::KernelTest, public ::testing::WithParamInterface<Addresses> {
 protected:
  void SetUp() override {
    KernelTest::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    auto route = netlink::Socket::open(NETLINK_ROUTE);
    ASSERT_TRUE(succeeded(route));
    ASSERT_TRUE(succeeded(test::add_loopback_address(*route, first_)));
    ASSERT_TRUE(succeeded(test::add_loopback_address(*route, second_)));
    auto opened = open();
    ASSERT_TRUE(succeeded(opened));
    socket_.emplace(std::move(*opened));

    test::EventLog log;
    auto client = pm::Client::open();
    ASSERT_TRUE(succeeded(client));
    ASSERT_TRUE(succeeded(client->run(
        pm::AddEndpoint{{.address = second_, .id = 9, .flags = uapi::kMptcpPmAddrFlagSubflow}})));
    listener_ = test::listen_on(first_);
    port_ = test::local_address(listener_).port;
    connection_ = test::connect_to(listener_, test::local_address(listener_));
    for (const uint32_t token : {connection_.client_token(), connection_.server_token()}) {
      ASSERT_TRUE(log.wait_for(uapi::kMptcpEventSubEstablished, token));
    }
  }

  std::vector<Connection> list(const Filter& filter = {}) {
    std::vector<Connection> all;
    const auto collect = [&](const Connection& connection) {
      all.push_back(connection);
      return true;
    };
    EXPECT_TRUE(succeeded(connections(*socket_, filter, collect, [] { FAIL(); })));
    return all;
  }

  const Address first_ = address_of(GetParam().first);
  const Address second_ = address_of(GetParam().second);
  std::optional<netlink::Socket> socket_;
  UniqueFd listener_;
  test::Connection connection_;
  uint16_t port_ = 0;
};

TEST_P(SockDiag, ListsListenersAndBothSidesOfConnections) {
  const auto all = list();
  ASSERT_EQ(all.size(), 3U);
  const auto by_inode = [&](const UniqueFd& fd) {
    const auto found = std::find_if(
        all.begin(), all.end(), [&](const Connection& each) { return each.inode == inode_of(fd); });
    EXPECT_NE(found, all.end());
    return found != all.end() ? *found : Connection{};
  };
  const Connection listener = by_inode(listener_);
  EXPECT_EQ(listener.state, TCP_LISTEN);
  EXPECT_FALSE(listener.token);
  EXPECT_EQ(listener.local, test::local_address(listener_));

  const Connection client = by_inode(connection_.client);
  const Connection server = by_inode(connection_.server);
  EXPECT_EQ(client.token, connection_.client_token());
  EXPECT_EQ(server.token, connection_.server_token());
  EXPECT_EQ(client.state, TCP_ESTABLISHED);
  EXPECT_EQ(client.local, server.remote);
  EXPECT_EQ(client.remote, server.local);
  EXPECT_EQ(client.remote, listener.local);
  EXPECT_EQ(client.uid, getuid());
  ASSERT_TRUE(client.info);
  const auto info = read_mptcp_info(connection_.client.get());
  ASSERT_TRUE(succeeded(info));
  EXPECT_EQ(client.info->length, info->length);
  EXPECT_EQ(client.info->value.subflows, 1);
}

TEST_P(SockDiag, FiltersByPortAddressAndState) {
  EXPECT_EQ(list({.states = 1U << TCP_LISTEN}).size(), 1U);
  EXPECT_EQ(list({.states = 1U << TCP_ESTABLISHED}).size(), 2U);
  EXPECT_EQ(list({.states = 1U << TCP_CLOSE_WAIT}).size(), 0U);
  EXPECT_EQ(list({.local_port = port_}).size(), 2U);  // the listener has it as well
  EXPECT_EQ(list({.remote_port = port_}).size(), 1U);
  EXPECT_EQ(list({.local_port = static_cast<uint16_t>(port_ ^ 1)}).size(), 0U);
  EXPECT_EQ(list({.local = first_}).size(), 3U);
  EXPECT_EQ(list({.local = second_}).size(), 0U);
  EXPECT_EQ(list({.remote = first_}).size(), 2U);
  EXPECT_EQ(list({.local = first_, .remote = first_}).size(), 2U);
  EXPECT_EQ(list({.local = first_, .remote = second_}).size(), 0U);
  EXPECT_EQ(list({.local = second_, .remote = first_}).size(), 0U);
  EXPECT_EQ(list({.remote_port = port_, .local = first_, .remote = first_}).size(), 1U);
}

TEST_P(SockDiag, FindsV4MappedAddressesByIPv4) {
  if (first_.family != AF_INET) return;
  const auto listener = test::listen_on(address_of("::"));
  const auto connection =
      test::connect_to(listener, address_of(GetParam().first, test::local_address(listener).port));
  const auto found = list({.local_port = test::local_address(listener).port, .local = first_});
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].local.family, AF_INET);
  EXPECT_EQ(found[0].token, connection.server_token());
}

TEST_P(SockDiag, EndsOnRequest) {
  int seen = 0;
  EXPECT_TRUE(succeeded(connections(
      *socket_, {}, [&](const Connection&) { return ++seen < 2; }, [] { FAIL(); })));
  EXPECT_EQ(seen, 2);
  EXPECT_EQ(list().size(), 3U);
}

TEST_P(SockDiag, ListsTheSubflowsOfBothSides) {
  std::vector<Subflow> all;
  const auto collect = [&](Subflow&& subflow) {
    all.push_back(std::move(subflow));
    return true;
  };
  ASSERT_TRUE(succeeded(subflows(*socket_, true, collect, [] { FAIL(); })));
  ASSERT_EQ(all.size(), 4U);
  const auto find = [&](uint32_t token, bool initial) {
    const auto matches = [&](const Subflow& each) {
      return each.token == token && (each.local_id == 0 && each.remote_id == 0) == initial;
    };
    const auto found = std::find_if(all.begin(), all.end(), matches);
    EXPECT_NE(found, all.end());
    return found != all.end() ? &*found : &all.front();
  };
  for (const Connection& connection : list({.states = 1U << TCP_ESTABLISHED})) {
    const bool client = connection.token == connection_.client_token();
    const Subflow& initial = *find(*connection.token, true);
    EXPECT_EQ(initial.local, connection.local);
    EXPECT_EQ(initial.remote, connection.remote);
    const Subflow& joined = *find(*connection.token, false);
    EXPECT_EQ(joined.state, TCP_ESTABLISHED);
    EXPECT_EQ(joined.remote_token,
              client ? std::optional(connection_.server_token()) : std::nullopt);
    EXPECT_EQ(client ? joined.local_id : joined.remote_id, 9);
    EXPECT_TRUE(*joined.flags & uapi::kMptcpSubflowFlagConnected);
    EXPECT_TRUE(*joined.flags &
                (client ? uapi::kMptcpSubflowFlagJoinLoc : uapi::kMptcpSubflowFlagJoinRem));
    EXPECT_TRUE(joined.tcp_info && joined.tcp_info->value.state == TCP_ESTABLISHED);
  }
}

TEST_P(SockDiag, HasTcpInfoOnlyIfRequested) {
  int seen = 0;
  const auto check = [&](Subflow&& subflow) {
    ++seen;
    EXPECT_FALSE(subflow.tcp_info);
    return true;
  };
  EXPECT_TRUE(succeeded(subflows(*socket_, false, check, [] { FAIL(); })));
  EXPECT_EQ(seen, 4);
}

TEST_P(SockDiag, ShowsConnectionsWithoutACapability) {
  std::vector<Connection> all;
  int subflows_seen = 0;
  {
    const test::WithoutCapability without(CAP_NET_ADMIN);
    auto unprivileged = open();
    ASSERT_TRUE(succeeded(unprivileged));
    socket_.emplace(std::move(*unprivileged));
    all = list({.states = 1U << TCP_ESTABLISHED});
    EXPECT_TRUE(succeeded(subflows(
        *socket_, false, [&](Subflow&&) { return ++subflows_seen > 0; }, [] { FAIL(); })));
  }
  ASSERT_EQ(all.size(), 2U);
  for (const Connection& each : all) EXPECT_TRUE(each.token);
  EXPECT_TRUE(subflows_seen == 4 || subflows_seen == 0) << subflows_seen;  // 0 before 6.15
}

constexpr Addresses kIPv4{"IPv4", "10.1.0.1", "10.1.0.2"};
constexpr Addresses kIPv6{"IPv6", "fd00::1", "fd00::2"};
INSTANTIATE_TEST_SUITE_P(Families, SockDiag, ::testing::Values(kIPv4, kIPv6),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace mptcp::sock_diag
