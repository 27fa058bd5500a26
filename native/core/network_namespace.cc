#include "core/network_namespace.h"

#include <fcntl.h>
#include <sched.h>

namespace mptcp {

Result<UniqueFd> open_network_namespace(const std::string& name_or_path) {
  const bool is_path = name_or_path.find('/') != std::string::npos;
  const std::string path = is_path ? name_or_path : "/run/netns/" + name_or_path;
  UniqueFd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return last_error("open " + path);
  return fd;
}

Result<void> enter_network_namespace(int fd) {
  if (setns(fd, CLONE_NEWNET) != 0) return last_error("setns");
  return {};
}

Result<void> enter_network_namespace(const std::string& name_or_path) {
  const auto opened = open_network_namespace(name_or_path);
  return opened ? enter_network_namespace(opened->get()) : opened.error();
}

}  // namespace mptcp
