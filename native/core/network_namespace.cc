#include "core/network_namespace.h"

#include <fcntl.h>
#include <sched.h>

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

}  // namespace mptcp
