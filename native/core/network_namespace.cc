#include "core/network_namespace.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/socket.h>

#include <cstdint>

#include "core/unique_fd.h"

namespace mptcp {

Result<void> enter_network_namespace(const std::string& name_or_path) {
  const bool is_path = name_or_path.find('/') != std::string::npos;
  const std::string path = is_path ? name_or_path : "/run/netns/" + name_or_path;
  const UniqueFd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return last_error("open " + path);
  if (setns(fd.get(), CLONE_NEWNET) != 0) return last_error("setns");
  return {};
}

Result<std::string> network_namespace_cookie() {
  constexpr int kSoNetnsCookie = 71;  // the headers of Debian 11 lack it
  const UniqueFd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd) return last_error("socket AF_UNIX");
  uint64_t cookie = 0;
  socklen_t length = sizeof(cookie);
  if (getsockopt(fd.get(), SOL_SOCKET, kSoNetnsCookie, &cookie, &length) != 0) {
    return last_error("getsockopt SO_NETNS_COOKIE");
  }
  return std::to_string(cookie);
}

}  // namespace mptcp
