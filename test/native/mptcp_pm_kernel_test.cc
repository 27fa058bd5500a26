// Tests every command, every event and the error texts of the running kernel's path manager.
#include <cerrno>

#include "core/mptcp_pm.h"
#include "support/capabilities.h"
#include "support/connection.h"
#include "support/kernel_test.h"

namespace mptcp::pm {
namespace {

using test::address_of;
using test::succeeded;

constexpr uint32_t kSignal = uapi::kMptcpPmAddrFlagSignal;
constexpr uint32_t kSubflow = uapi::kMptcpPmAddrFlagSubflow;
constexpr uint32_t kBackup = uapi::kMptcpPmAddrFlagBackup;
constexpr uint32_t kFullmesh = uapi::kMptcpPmAddrFlagFullmesh;

struct Addresses {
  const char* name;
  const char* first;
  const char* second;
  const char* third;
};

void PrintTo(const Addresses& addresses, std::ostream* out) { *out << addresses.name; }

template <class T>
::testing::AssertionResult fails(const Result<T>& result, int code, const std::string& text) {
  if (result) return ::testing::AssertionFailure() << "it succeeded";
  if (result.error().code == code && result.error().extack.find(text) != std::string::npos) {
    return ::testing::AssertionSuccess();
  }
  return succeeded(result);
}

class MptcpPm : public test::KernelTest, public ::testing::WithParamInterface<Addresses> {
 protected:
  void SetUp() override {
    KernelTest::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    auto route = netlink::Socket::open(NETLINK_ROUTE);
    ASSERT_TRUE(succeeded(route));
    for (const Address& address : {first_, second_, third_}) {
      ASSERT_TRUE(succeeded(test::add_loopback_address(*route, address)));
    }
    auto opened = Client::open();
    ASSERT_TRUE(succeeded(opened));
    client_.emplace(std::move(*opened));
  }

  Result<Reply> run(const Command& command) { return client_->run(command); }

  Endpoint endpoint(uint8_t id) {
    const auto reply = run(GetEndpoint{id});
    EXPECT_TRUE(succeeded(reply));
    return reply ? std::get<Endpoint>(*reply) : Endpoint{};
  }

  std::vector<Endpoint> endpoints(std::optional<uint32_t> token = std::nullopt) {
    auto list = client_->endpoints(token);
    EXPECT_TRUE(succeeded(list));
    return list ? std::move(*list) : std::vector<Endpoint>();
  }

  const Address first_ = address_of(GetParam().first);
  const Address second_ = address_of(GetParam().second);
  const Address third_ = address_of(GetParam().third);
  std::optional<Client> client_;
};

Address with_port(Address address, uint16_t port) {
  address.port = port;
  return address;
}

TEST_P(MptcpPm, AddsGetsListsAndDeletesEndpoints) {
  const Endpoint plain{.address = first_, .id = 5, .flags = kSubflow | kFullmesh};
  const Endpoint with_a_port{.address = with_port(second_, 8080), .id = 255, .flags = kSignal};
  const Endpoint on_interface{.address = third_, .id = 7, .flags = kSubflow, .interface = 1};
  for (const Endpoint& added : {plain, with_a_port, on_interface}) {
    EXPECT_TRUE(succeeded(run(AddEndpoint{added})));
    EXPECT_EQ(endpoint(added.id), added);
  }
  const auto listed = endpoints();
  ASSERT_EQ(listed.size(), 3U);
  for (const Endpoint& each : {plain, with_a_port, on_interface}) {
    EXPECT_NE(std::find(listed.begin(), listed.end(), each), listed.end());
  }
  EXPECT_TRUE(succeeded(run(DeleteEndpoint{5})));
  EXPECT_EQ(endpoints().size(), 2U);
  EXPECT_TRUE(succeeded(run(FlushEndpoints{})));
  EXPECT_TRUE(endpoints().empty());
}

TEST_P(MptcpPm, ChoosesAnIdWhereNoneIsGiven) {
  EXPECT_TRUE(succeeded(run(AddEndpoint{{.address = first_, .flags = kSubflow}})));
  const auto listed = endpoints();
  ASSERT_EQ(listed.size(), 1U);
  EXPECT_NE(listed[0].id, 0);
}

TEST_P(MptcpPm, ChangesBackupAndFullmeshByIdAndByAddress) {
  EXPECT_TRUE(succeeded(run(AddEndpoint{{.address = first_, .id = 5, .flags = kSubflow}})));
  EXPECT_TRUE(succeeded(run(SetEndpointFlags{.id = 5, .flags = kSubflow | kBackup})));
  EXPECT_EQ(endpoint(5).flags, kSubflow | kBackup);
  EXPECT_TRUE(succeeded(run(SetEndpointFlags{.address = first_, .flags = kSubflow | kFullmesh})));
  EXPECT_EQ(endpoint(5).flags, kSubflow | kFullmesh);
  EXPECT_TRUE(succeeded(run(SetEndpointFlags{.id = 5, .flags = kSubflow})));
  EXPECT_EQ(endpoint(5).flags, kSubflow);
  EXPECT_TRUE(fails(run(SetEndpointFlags{.id = 6}), EINVAL, "address not found"));
  EXPECT_TRUE(fails(run(SetEndpointFlags{.address = second_}), EINVAL, "address not found"));
}

TEST_P(MptcpPm, SetsBothLimitsOrOne) {
  const auto limits = [&] { return std::get<Limits>(*run(GetLimits{})); };
  EXPECT_EQ(limits(), (Limits{.subflows = 2, .add_addr_accepted = 0}));  // the kernel's defaults
  EXPECT_TRUE(succeeded(run(SetLimits{.subflows = 4, .add_addr_accepted = 3})));
  EXPECT_EQ(limits(), (Limits{.subflows = 4, .add_addr_accepted = 3}));
  EXPECT_TRUE(succeeded(run(SetLimits{.subflows = 1})));
  EXPECT_EQ(limits(), (Limits{.subflows = 1, .add_addr_accepted = 3}));
  EXPECT_TRUE(fails(run(SetLimits{.subflows = 1000}), EINVAL, "limit greater than maximum"));
}

TEST_P(MptcpPm, RefusesWrongEndpointsWithTheKernelsText) {
  EXPECT_TRUE(succeeded(run(AddEndpoint{{.address = first_, .id = 5, .flags = kSubflow}})));
  EXPECT_TRUE(fails(run(AddEndpoint{{.address = first_, .id = 6, .flags = kSubflow}}), EEXIST,
                    "duplicate"));
  EXPECT_TRUE(fails(run(AddEndpoint{{.address = second_, .flags = kSignal | kFullmesh}}), EINVAL,
                    "signal and fullmesh"));
  EXPECT_TRUE(fails(run(AddEndpoint{{.address = with_port(second_, 5), .flags = kSubflow}}), EINVAL,
                    "signal and not subflow when using port"));
  EXPECT_TRUE(fails(run(AddEndpoint{{.address = second_, .flags = uapi::kMptcpPmAddrFlagImplicit}}),
                    EINVAL, "IMPLICIT"));
  EXPECT_TRUE(fails(run(AddEndpoint{{.flags = kSubflow}}), EINVAL, "missing family"));
  EXPECT_TRUE(fails(run(GetEndpoint{99}), EINVAL, "address not found"));
  EXPECT_TRUE(fails(run(DeleteEndpoint{99}), EINVAL, "address not found"));
}

TEST_P(MptcpPm, ReportsThatThereIsNoRoomForAnotherEndpoint) {
  for (uint8_t id = 1;; ++id) {
    Address address = first_;
    address.bytes[3] = address.bytes[14] = id;
    if (address.family == AF_INET) address.bytes[14] = 0;
    const auto added = run(AddEndpoint{{.address = address, .id = id, .flags = kSubflow}});
    if (!added) {
      EXPECT_TRUE(fails(added, ERANGE, "too many addresses"));
      EXPECT_GE(id, 9);
      return;
    }
    ASSERT_NE(id, 255);
  }
}

TEST_P(MptcpPm, PipelinesCommandsWithAReplyForEach) {
  std::vector<Command> commands;
  commands.emplace_back(AddEndpoint{{.address = first_, .id = 5, .flags = kSubflow}});
  for (int i = 0; i < 200; ++i) commands.emplace_back(GetEndpoint{5});
  commands.emplace_back(GetEndpoint{6});
  commands.emplace_back(GetLimits{});
  const auto replies = client_->run(commands);
  ASSERT_EQ(replies.size(), commands.size());
  for (size_t i = 1; i <= 200; ++i) EXPECT_EQ(std::get<Endpoint>(*replies[i]).address, first_);
  EXPECT_FALSE(replies[201]);
  EXPECT_TRUE(std::holds_alternative<Limits>(*replies[202]));
}

TEST_P(MptcpPm, ReportsTheMissingAttribute) {
  auto socket = netlink::Socket::open(NETLINK_GENERIC);
  ASSERT_TRUE(succeeded(socket));
  auto message = netlink::generic_message(client_->family().id, uapi::kMptcpPmCmdRemove,
                                          uapi::kMptcpPmVersion, "MPTCP_PM_CMD_REMOVE");
  message.put<uint32_t>(uapi::kMptcpPmAttrToken, 1);
  const auto result = socket->request(message);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, EINVAL);
  EXPECT_EQ(result.error().missing_attribute, uapi::kMptcpPmAttrLocId);
}

TEST_P(MptcpPm, RefusesCommandsForAConnectionOfTheInKernelPathManager) {
  const auto listener = test::listen_on(first_);
  const auto connection = test::connect_to(listener, test::local_address(listener));
  const uint32_t token = connection.client_token();
  constexpr const char* kText = "userspace PM not selected";
  EXPECT_TRUE(fails(run(Announce{token, {.address = second_, .id = 1}}), EINVAL, kText));
  EXPECT_TRUE(fails(run(Remove{token, 1}), EINVAL, kText));
  EXPECT_TRUE(
      fails(run(CreateSubflow{token, {.address = second_, .id = 1}, first_}), EINVAL, kText));
  EXPECT_TRUE(fails(run(DestroySubflow{token, with_port(second_, 1), with_port(first_, 1)}), EINVAL,
                    kText));
  EXPECT_TRUE(fails(run(SetSubflowFlags{token, second_, first_, kBackup}), EINVAL, kText));
  EXPECT_TRUE(fails(client_->endpoints(token), EINVAL, kText));
}

TEST_P(MptcpPm, FollowsAConnectionOfTheInKernelPathManager) {
  test::EventLog log;
  EXPECT_TRUE(succeeded(run(SetLimits{.subflows = 2, .add_addr_accepted = 2})));
  EXPECT_TRUE(
      succeeded(run(AddEndpoint{{.address = second_, .id = 9, .flags = kSubflow | kBackup}})));
  const auto listener = test::listen_on(first_);
  const Address address = test::local_address(listener);
  const auto connection = test::connect_to(listener, address);
  const auto joined = log.wait_for(uapi::kMptcpEventSubEstablished, connection.client_token());
  ASSERT_TRUE(joined);
  EXPECT_EQ(joined->local_id, 9);
  EXPECT_EQ(joined->remote_id, 0);
  EXPECT_EQ(with_port(*joined->local, 0), second_);
  EXPECT_EQ(joined->remote, address);
  EXPECT_EQ(joined->family, first_.family);

  // The backup flag goes to the server, which has an event for it.
  EXPECT_TRUE(log.wait_for(uapi::kMptcpEventSubEstablished, connection.server_token()));
  EXPECT_TRUE(succeeded(run(SetEndpointFlags{.id = 9, .flags = kSubflow})));
  const auto priority = log.wait_for(uapi::kMptcpEventSubPriority, connection.server_token());
  ASSERT_TRUE(priority);
  EXPECT_EQ(priority->backup, false);

  EXPECT_TRUE(succeeded(run(DeleteEndpoint{9})));
  const auto closed = log.wait_for(uapi::kMptcpEventSubClosed, connection.client_token());
  ASSERT_TRUE(closed);
  EXPECT_EQ(closed->local, joined->local);
}

TEST_P(MptcpPm, ReportsTheListenersOfSignalledPorts) {
  test::EventLog log;
  const Address address = with_port(second_, 8080);
  EXPECT_TRUE(succeeded(run(AddEndpoint{{.address = address, .id = 1, .flags = kSignal}})));
  const auto created = log.wait_for(uapi::kMptcpEventListenerCreated, std::nullopt);
  ASSERT_TRUE(created);
  EXPECT_EQ(created->local, address);
  EXPECT_TRUE(succeeded(run(DeleteEndpoint{1})));
  const auto closed = log.wait_for(uapi::kMptcpEventListenerClosed, std::nullopt);
  ASSERT_TRUE(closed);
  EXPECT_EQ(closed->local, address);
}

// Makes a connection that userspace manages, with a log of the events on both sides.
class MptcpPmUserspace : public MptcpPm {
 protected:
  void SetUp() override {
    MptcpPm::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    test::select_userspace_path_manager();
    log_.emplace();
    const Address any = address_of(first_.family == AF_INET ? "0.0.0.0" : "::");
    open_connection(any, first_);
  }

  void open_connection(const Address& listen, const Address& server) {
    listener_ = test::listen_on(listen);
    port_ = test::local_address(listener_).port;
    connection_ = test::connect_to(listener_, with_port(server, port_));
    client_token_ = connection_.client_token();
    server_token_ = connection_.server_token();
  }

  // Creates a subflow from the third address to the second, and returns the event of each side.
  std::pair<Event, Event> create_subflow() {
    EXPECT_TRUE(succeeded(run(CreateSubflow{client_token_, local_, with_port(second_, port_)})));
    const auto client = log_->wait_for(uapi::kMptcpEventSubEstablished, client_token_);
    const auto server = log_->wait_for(uapi::kMptcpEventSubEstablished, server_token_);
    EXPECT_TRUE(client && server);
    return {client.value_or(Event{}), server.value_or(Event{})};
  }

  const Endpoint local_{.address = third_, .id = 7};
  std::optional<test::EventLog> log_;
  UniqueFd listener_;
  test::Connection connection_;
  uint16_t port_ = 0;
  uint32_t client_token_ = 0;
  uint32_t server_token_ = 0;
};

TEST_P(MptcpPmUserspace, ReportsConnectionsOnBothSides) {
  for (const uint8_t type : {uapi::kMptcpEventCreated, uapi::kMptcpEventEstablished}) {
    const auto client = log_->wait_for(type, client_token_);
    const auto server = log_->wait_for(type, server_token_);
    ASSERT_TRUE(client && server);
    EXPECT_EQ(client->server_side, false);
    EXPECT_EQ(server->server_side, true);
    EXPECT_EQ(client->remote, with_port(first_, port_));
    EXPECT_EQ(client->local, server->remote);
    EXPECT_EQ(client->remote, server->local);
    EXPECT_EQ(client->family, first_.family);
  }
  connection_.client.reset();
  connection_.server.reset();
  EXPECT_TRUE(log_->wait_for(uapi::kMptcpEventClosed, client_token_));
  EXPECT_TRUE(log_->wait_for(uapi::kMptcpEventClosed, server_token_));
}

TEST_P(MptcpPmUserspace, CreatesAndDestroysASubflow) {
  const auto [client, server] = create_subflow();
  EXPECT_EQ(with_port(*client.local, 0), third_);
  EXPECT_EQ(client.remote, with_port(second_, port_));
  EXPECT_EQ(client.local_id, 7);
  EXPECT_EQ(server.remote_id, 7);
  EXPECT_EQ(server.local, client.remote);
  EXPECT_EQ(client.backup, false);

  EXPECT_TRUE(succeeded(run(DestroySubflow{client_token_, *client.local, *client.remote})));
  const auto closed = log_->wait_for(uapi::kMptcpEventSubClosed, client_token_);
  ASSERT_TRUE(closed);
  EXPECT_EQ(closed->local, client.local);
  EXPECT_TRUE(fails(run(DestroySubflow{client_token_, *client.local, *client.remote}), ESRCH,
                    "subflow not found"));
}

TEST_P(MptcpPmUserspace, ListsAConnectionsOwnAddresses) {
  create_subflow();
  const auto listed = endpoints(client_token_);
  ASSERT_EQ(listed.size(), 1U);
  EXPECT_EQ(listed[0].address, third_);
  EXPECT_EQ(listed[0].id, 7);
  EXPECT_EQ(std::get<Endpoint>(*run(GetEndpoint{7, client_token_})), listed[0]);
  EXPECT_TRUE(endpoints().empty());  // the in-kernel path manager has none
}

TEST_P(MptcpPmUserspace, SetsThePriorityFromBothSides) {
  const auto [client, server] = create_subflow();
  EXPECT_TRUE(
      succeeded(run(SetSubflowFlags{client_token_, *client.local, *client.remote, kBackup})));
  const auto at_server = log_->wait_for(uapi::kMptcpEventSubPriority, server_token_);
  ASSERT_TRUE(at_server);
  EXPECT_EQ(at_server->backup, true);
  EXPECT_EQ(at_server->remote_id, 7);
  EXPECT_TRUE(
      succeeded(run(SetSubflowFlags{server_token_, *server.local, *server.remote, kBackup})));
  EXPECT_TRUE(log_->wait_for(uapi::kMptcpEventSubPriority, client_token_));
  EXPECT_TRUE(succeeded(run(SetSubflowFlags{client_token_, *client.local, *client.remote, 0})));
  EXPECT_TRUE(log_->wait_for([&](const Event& event) {
    return event.type == uapi::kMptcpEventSubPriority && event.token == server_token_ &&
           event.backup == false;
  }));
}

TEST_P(MptcpPmUserspace, AnnouncesAndRemovesAnAddress) {
  // An IPv6 address with a port leaves no room in the TCP header for timestamps.
  test::write_sysctl("net/ipv4/tcp_timestamps", "0");
  open_connection(address_of(first_.family == AF_INET ? "0.0.0.0" : "::"), first_);
  EXPECT_TRUE(
      succeeded(run(Announce{server_token_, {.address = with_port(second_, 4321), .id = 3}})));
  const auto announced = log_->wait_for(uapi::kMptcpEventAnnounced, client_token_);
  ASSERT_TRUE(announced);
  EXPECT_EQ(announced->remote_id, 3);
  EXPECT_EQ(announced->remote, with_port(second_, 4321));
  EXPECT_TRUE(succeeded(run(Remove{server_token_, 3})));
  const auto removed = log_->wait_for(uapi::kMptcpEventRemoved, client_token_);
  ASSERT_TRUE(removed);
  EXPECT_EQ(removed->remote_id, 3);
  EXPECT_TRUE(fails(run(Remove{server_token_, 3}), EINVAL, "address with id 3 not found"));
  EXPECT_TRUE(succeeded(run(Remove{server_token_, 0})));
}

TEST_P(MptcpPmUserspace, RefusesWrongRequestsWithTheKernelsText) {
  const Endpoint second{.address = second_, .id = 1};
  EXPECT_TRUE(fails(run(Announce{~client_token_, second}), EINVAL, "invalid token"));
  EXPECT_TRUE(fails(run(Announce{client_token_, {.address = second_}}), EINVAL, "invalid addr id"));
  EXPECT_TRUE(succeeded(run(Announce{client_token_, second})));
  EXPECT_TRUE(fails(run(Announce{client_token_, {.address = second_, .id = 2}}), EINVAL,
                    "did not match address and id"));
  EXPECT_TRUE(fails(
      run(CreateSubflow{client_token_, {.address = third_, .id = 4, .flags = kSignal}, second_}),
      EINVAL, "invalid addr flags"));
  const Address other_family = address_of(first_.family == AF_INET ? "2001:db8::9" : "192.0.2.9");
  EXPECT_TRUE(
      fails(run(CreateSubflow{
                client_token_, {.address = third_, .id = 4}, with_port(other_family, port_)}),
            EINVAL, "families mismatch"));
  const Address unreachable = address_of(first_.family == AF_INET ? "192.0.2.9" : "2001:db8::9");
  EXPECT_TRUE(
      fails(run(CreateSubflow{
                client_token_, {.address = third_, .id = 4}, with_port(unreachable, port_)}),
            ENETUNREACH, "connect error: -101"));
  EXPECT_TRUE(fails(run(DestroySubflow{client_token_, third_, with_port(second_, 1)}), EINVAL,
                    "missing local port"));
  EXPECT_TRUE(fails(run(DestroySubflow{client_token_, with_port(third_, 1), second_}), EINVAL,
                    "missing remote port"));
}

TEST_P(MptcpPmUserspace, ReportsWhyASubflowHasFailed) {
  // The kernel reports success and connects to port 0.
  EXPECT_TRUE(succeeded(run(CreateSubflow{client_token_, local_, second_})));
  const auto closed = log_->wait_for(uapi::kMptcpEventSubClosed, client_token_);
  ASSERT_TRUE(closed);
  EXPECT_EQ(closed->error, ECONNREFUSED);
}

TEST_P(MptcpPmUserspace, DestroysASubflowOfAnIPv6SocketWithAnIPv4Peer) {
  if (first_.family != AF_INET) return;
  open_connection(address_of("::"), first_);
  const auto [client, server] = create_subflow();
  EXPECT_EQ(server.family, AF_INET6);
  EXPECT_EQ(server.local, with_port(second_, port_));
  EXPECT_TRUE(succeeded(run(DestroySubflow{server_token_, *server.local, *server.remote})));
  EXPECT_TRUE(log_->wait_for(uapi::kMptcpEventSubClosed, server_token_));
}

TEST_P(MptcpPm, NeedsACapabilityForChangesAndEventsButNotForReading) {
  const test::WithoutCapability without(CAP_NET_ADMIN);
  EXPECT_TRUE(fails(run(AddEndpoint{{.address = first_, .flags = kSubflow}}), EPERM, ""));
  EXPECT_TRUE(fails(open_events(), EPERM, ""));
  EXPECT_TRUE(succeeded(run(GetLimits{})));
  EXPECT_TRUE(succeeded(client_->endpoints()));
}

constexpr Addresses kIPv4{"IPv4", "10.1.0.1", "10.1.0.2", "10.1.0.3"};
constexpr Addresses kIPv6{"IPv6", "fd00::1", "fd00::2", "fd00::3"};
const auto by_name = [](const auto& info) { return info.param.name; };
INSTANTIATE_TEST_SUITE_P(Families, MptcpPm, ::testing::Values(kIPv4, kIPv6), by_name);
INSTANTIATE_TEST_SUITE_P(Families, MptcpPmUserspace, ::testing::Values(kIPv4, kIPv6), by_name);

}  // namespace
}  // namespace mptcp::pm
