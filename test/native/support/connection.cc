// Makes MPTCP connections and logs events for the tests.
#include "support/connection.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>

#include "core/mptcp_socket.h"
#include "support/kernel_test.h"

namespace mptcp::test {
namespace {

void make_blocking(const UniqueFd& fd) {
  EXPECT_EQ(fcntl(fd.get(), F_SETFL, fcntl(fd.get(), F_GETFL) & ~O_NONBLOCK), 0);
}

UniqueFd blocking_socket(sa_family_t family) {
  auto fd = open_mptcp_socket(family);
  EXPECT_TRUE(succeeded(fd));
  make_blocking(*fd);
  return std::move(*fd);
}

}  // namespace

uint32_t Connection::client_token() const { return token_of(client); }
uint32_t Connection::server_token() const { return token_of(server); }

UniqueFd listen_on(const Address& address) {
  UniqueFd fd = blocking_socket(address.family);
  sockaddr_storage storage;
  const socklen_t length = to_sockaddr(address, &storage);
  EXPECT_EQ(bind(fd.get(), reinterpret_cast<sockaddr*>(&storage), length), 0) << strerror(errno);
  EXPECT_EQ(listen(fd.get(), 64), 0);
  return fd;
}

Connection connect_to(const UniqueFd& listener, const Address& address) {
  Connection connection;
  connection.client = blocking_socket(address.family);
  sockaddr_storage storage;
  const socklen_t length = to_sockaddr(address, &storage);
  if (connect(connection.client.get(), reinterpret_cast<sockaddr*>(&storage), length) != 0) {
    ADD_FAILURE() << "connect: " << strerror(errno);
    return connection;
  }
  connection.server.reset(accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
  EXPECT_TRUE(connection.server);
  exchange_byte(connection.client, connection.server);
  exchange_byte(connection.server, connection.client);
  return connection;
}

Address local_address(const UniqueFd& socket) {
  sockaddr_storage storage{};
  socklen_t length = sizeof(storage);
  EXPECT_EQ(getsockname(socket.get(), reinterpret_cast<sockaddr*>(&storage), &length), 0);
  return from_sockaddr(storage);
}

uint32_t token_of(const UniqueFd& socket) {
  const auto info = read_mptcp_info(socket.get());
  EXPECT_TRUE(succeeded(info));
  return info ? info->value.token : 0;
}

void exchange_byte(const UniqueFd& from, const UniqueFd& to) {
  char byte = 'x';
  EXPECT_EQ(write(from.get(), &byte, 1), 1);
  EXPECT_EQ(read(to.get(), &byte, 1), 1);
}

void select_userspace_path_manager() {
  const bool named = std::ifstream("/proc/sys/net/mptcp/path_manager").good();
  write_sysctl(named ? "net/mptcp/path_manager" : "net/mptcp/pm_type", named ? "userspace" : "1");
}

EventLog::EventLog() {
  auto opened = pm::open_events();
  EXPECT_TRUE(succeeded(opened));
  if (opened) socket_.emplace(std::move(*opened));
}

std::optional<pm::Event> EventLog::wait_for(const std::function<bool(const pm::Event&)>& matches) {
  for (size_t i = 0;; ++i) {
    while (i == seen_.size()) {
      if (!wait_readable(socket_->fd())) return std::nullopt;
      const auto received = socket_->receive([&](const netlink::MessageView& message) {
        auto event = pm::decode_event(message);
        EXPECT_TRUE(succeeded(event));
        if (event) seen_.push_back(std::move(*event));
      });
      EXPECT_TRUE(succeeded(received));
    }
    if (matches(seen_[i])) return seen_[i];
  }
}

std::optional<pm::Event> EventLog::wait_for(uint8_t type, std::optional<uint32_t> token) {
  return wait_for(
      [&](const pm::Event& event) { return event.type == type && event.token == token; });
}

}  // namespace mptcp::test
