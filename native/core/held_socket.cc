// Opens listeners for joins, and abstract Unix names.
#include "core/held_socket.h"

#include <sys/un.h>

#include <cerrno>
#include <cstddef>
#include <cstring>

#include "core/mptcp_socket.h"

namespace mptcp {
namespace {

struct AbstractName {
  sockaddr_un address{};
  socklen_t length = 0;
};

Result<AbstractName> abstract_name(const std::string& name) {
  AbstractName result;
  result.address.sun_family = AF_UNIX;
  if (name.empty() || name.size() >= sizeof(result.address.sun_path)) {
    Error error;
    error.code = ENAMETOOLONG;
    error.call = "abstract Unix name";
    return error;
  }
  // A leading zero byte makes the name abstract.
  std::memcpy(result.address.sun_path + 1, name.data(), name.size());
  result.length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
  return result;
}

const sockaddr* generic(const sockaddr_un& address) {
  return reinterpret_cast<const sockaddr*>(&address);
}

Result<UniqueFd> open_unix_socket() {
  UniqueFd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) return last_error("socket AF_UNIX");
  return fd;
}

}  // namespace

Result<UniqueFd> hold_mptcp_listener(const Address& address) {
  auto fd = open_mptcp_socket(address.family);
  if (!fd) return fd;
  const int on = 1;
  setsockopt(fd->get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  if (address.family == AF_INET6) {
    setsockopt(fd->get(), IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
  }
  sockaddr_storage storage;
  const socklen_t length = to_sockaddr(address, &storage);
  if (bind(fd->get(), reinterpret_cast<const sockaddr*>(&storage), length) != 0) {
    return last_error("bind");
  }
  if (listen(fd->get(), SOMAXCONN) != 0) return last_error("listen");
  return fd;
}

Result<void> reset_waiting(int listener) {
  constexpr linger kReset = {.l_onoff = 1, .l_linger = 0};
  for (;;) {
    const UniqueFd waiting(accept4(listener, nullptr, nullptr, SOCK_CLOEXEC));
    if (waiting) {
      setsockopt(waiting.get(), SOL_SOCKET, SO_LINGER, &kReset, sizeof(kReset));
    } else if (errno == EAGAIN) {
      return {};
    } else if (errno != EINTR && errno != ECONNABORTED) {
      return last_error("accept");
    }
  }
}

Result<UniqueFd> hold_abstract_name(const std::string& name) {
  const auto abstract = abstract_name(name);
  if (!abstract) return abstract.error();
  auto fd = open_unix_socket();
  if (!fd) return fd;
  if (bind(fd->get(), generic(abstract->address), abstract->length) != 0) {
    return last_error("bind AF_UNIX");
  }
  // abstract_name_owner() connects, and its sockets wait to be accepted.
  if (listen(fd->get(), SOMAXCONN) != 0) return last_error("listen AF_UNIX");
  return fd;
}

Result<std::optional<NameOwner>> abstract_name_owner(const std::string& name) {
  const auto abstract = abstract_name(name);
  if (!abstract) return abstract.error();
  const auto fd = open_unix_socket();
  if (!fd) return fd.error();
  if (connect(fd->get(), generic(abstract->address), abstract->length) != 0) {
    if (errno == ECONNREFUSED) return std::optional<NameOwner>();
    return last_error("connect AF_UNIX");
  }
  ucred holder{};
  socklen_t length = sizeof(holder);
  if (getsockopt(fd->get(), SOL_SOCKET, SO_PEERCRED, &holder, &length) != 0) {
    return last_error("getsockopt SO_PEERCRED");
  }
  return std::optional(NameOwner{.pid = holder.pid, .uid = holder.uid});
}

}  // namespace mptcp
