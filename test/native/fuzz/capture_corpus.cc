// Writes the fuzzers' corpus, one file for each message that the running kernel sends about a
// connection in a network namespace of its own, which gains, changes and loses a subflow.
//   capture_corpus test/native/fuzz/corpus
#include <linux/rtnetlink.h>

#include <cstdio>
#include <filesystem>
#include <fstream>

#include "core/mptcp_pm.h"
#include "core/rtnetlink.h"
#include "core/sock_diag.h"
#include "support/connection.h"
#include "support/kernel_test.h"

namespace mptcp::test {
namespace {

class Corpus {
 public:
  explicit Corpus(std::filesystem::path root) : root_(std::move(root)) {}

  // One message of each name and length is enough.
  void write(const std::string& fuzzer, const std::string& name,
             const netlink::MessageView& message) {
    const auto file = name + '-' + std::to_string(message.header.nlmsg_len);
    std::filesystem::create_directories(root_ / fuzzer);
    std::ofstream out(root_ / fuzzer / file, std::ios::binary);
    out.write(reinterpret_cast<const char*>(&message.header), sizeof(message.header));
    out.write(reinterpret_cast<const char*>(message.payload.data()),
              static_cast<std::streamsize>(message.payload.size()));
  }

 private:
  std::filesystem::path root_;
};

void capture_events(Corpus& corpus, netlink::Socket& events) {
  for (;;) {
    const auto received = events.receive([&](const netlink::MessageView& message) {
      const auto header = message.fixed<genlmsghdr>();
      corpus.write("mptcp_pm", "event-" + std::to_string(header->cmd), message);
    });
    if (!received || *received == 0) return;
  }
}

void capture_changes(Corpus& corpus, netlink::Socket& watch) {
  for (;;) {
    const auto received = watch.receive([&](const netlink::MessageView& message) {
      corpus.write("rtnetlink", "change-" + std::to_string(message.header.nlmsg_type), message);
    });
    if (!received || *received == 0) return;
  }
}

void capture_dump(Corpus& corpus, netlink::Socket& socket, netlink::Message message,
                  const std::string& fuzzer, const std::string& name) {
  const auto write = [&](const netlink::MessageView& view) {
    corpus.write(fuzzer, name, view);
    return true;
  };
  EXPECT_TRUE(succeeded(socket.dump(message, write, [] {})));
}

template <class Header>
netlink::Message dump_of(uint16_t type) {
  netlink::Message message(type, "dump");
  message.put_header(Header{});
  return message;
}

void capture(Corpus& corpus, const char* first, const char* second) {
  auto route = rtnetlink::open();
  auto watch = rtnetlink::open_watch();
  auto generic = netlink::Socket::open(NETLINK_GENERIC);
  auto diag = sock_diag::open();
  auto client = pm::Client::open();
  auto events = pm::open_events();
  ASSERT_TRUE(route && watch && generic && diag && client && events);
  EventLog log;
  const uint16_t family = client->family().id;

  for (const char* text : {first, second}) {
    EXPECT_TRUE(succeeded(add_loopback_address(*route, address_of(text))));
  }
  capture_dump(corpus, *route, dump_of<ifinfomsg>(RTM_GETLINK), "rtnetlink", "link");
  capture_dump(corpus, *route, dump_of<ifaddrmsg>(RTM_GETADDR), "rtnetlink", "address");
  capture_dump(corpus, *route, dump_of<rtmsg>(RTM_GETROUTE), "rtnetlink", "route");

  constexpr uint32_t kSignal = uapi::kMptcpPmAddrFlagSignal;
  EXPECT_TRUE(succeeded(client->run(
      pm::AddEndpoint{{.address = address_of(second, 8080), .id = 5, .flags = kSignal}})));
  auto limits = pm::encode(pm::GetLimits{}, family);
  EXPECT_TRUE(succeeded(generic->request(limits, [&](const netlink::MessageView& message) {
    corpus.write("mptcp_pm", "limits", message);
  })));
  auto controller = netlink::generic_message(GENL_ID_CTRL, CTRL_CMD_GETFAMILY, 1, "family");
  controller.put_string(CTRL_ATTR_FAMILY_NAME, uapi::kMptcpPmName);
  EXPECT_TRUE(succeeded(generic->request(controller, [&](const netlink::MessageView& message) {
    corpus.write("mptcp_pm", "family", message);
  })));
  capture_dump(corpus, *generic, pm::endpoint_dump(std::nullopt, family), "mptcp_pm", "endpoint");
  EXPECT_TRUE(succeeded(client->run(pm::DeleteEndpoint{5})));

  select_userspace_path_manager();
  const auto listener = listen_on(address_of(first));
  const Address address = local_address(listener);
  auto connection = connect_to(listener, address);
  const uint32_t ours = connection.client_token();
  const uint32_t theirs = connection.server_token();
  EXPECT_TRUE(succeeded(
      client->run(pm::CreateSubflow{ours, {.address = address_of(second), .id = 7}, address})));
  const auto joined = log.wait_for(uapi::kMptcpEventSubEstablished, ours);
  ASSERT_TRUE(joined);
  EXPECT_TRUE(log.wait_for(uapi::kMptcpEventSubEstablished, theirs));
  capture_dump(corpus, *generic, pm::endpoint_dump(ours, family), "mptcp_pm", "endpoint");
  for (const sa_family_t each : {AF_INET, AF_INET6}) {
    capture_dump(corpus, *diag, sock_diag::connection_dump(each, {}), "sock_diag", "connection");
    capture_dump(corpus, *diag, sock_diag::subflow_dump(each), "sock_diag", "subflow");
  }
  EXPECT_TRUE(succeeded(client->run(
      pm::SetSubflowFlags{ours, *joined->local, *joined->remote, uapi::kMptcpPmAddrFlagBackup})));
  EXPECT_TRUE(log.wait_for(uapi::kMptcpEventSubPriority, theirs));
  EXPECT_TRUE(
      succeeded(client->run(pm::Announce{theirs, {.address = address_of(second), .id = 3}})));
  EXPECT_TRUE(log.wait_for(uapi::kMptcpEventAnnounced, ours));
  EXPECT_TRUE(succeeded(client->run(pm::Remove{theirs, 3})));
  EXPECT_TRUE(log.wait_for(uapi::kMptcpEventRemoved, ours));
  EXPECT_TRUE(succeeded(client->run(pm::DestroySubflow{ours, *joined->local, *joined->remote})));
  EXPECT_TRUE(log.wait_for(uapi::kMptcpEventSubClosed, ours));
  connection.client.reset();
  connection.server.reset();
  EXPECT_TRUE(log.wait_for(uapi::kMptcpEventClosed, ours));
  EXPECT_TRUE(succeeded(delete_loopback_address(*route, address_of(second))));
  capture_events(corpus, *events);
  capture_changes(corpus, *watch);
}

std::string corpus_folder;

class Capture : public KernelTest {};

TEST_F(Capture, IPv4) {
  Corpus corpus(corpus_folder);
  capture(corpus, "10.1.0.1", "10.1.0.2");
}

TEST_F(Capture, IPv6) {
  Corpus corpus(corpus_folder);
  capture(corpus, "fd00::1", "fd00::2");
}

}  // namespace
}  // namespace mptcp::test

int main(int argc, char** argv) {
  ::testing::InitGoogleTest(&argc, argv);
  if (argc != 2) {
    std::fprintf(stderr, "usage: %s CORPUS\n", argv[0]);
    return 2;
  }
  mptcp::test::corpus_folder = argv[1];
  mptcp::test::enter_user_namespace();
  return RUN_ALL_TESTS();
}
