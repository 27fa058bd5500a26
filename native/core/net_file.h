// Reads and writes settings and counters of the calling thread's network namespace.
#pragma once

#include <string>

#include "core/result.h"
#include "core/unique_fd.h"

namespace mptcp {

/// Opens a file under /proc/sys/net/ or /proc/net/ with the flags of open(2). Fails with EINVAL for
/// another path.
Result<UniqueFd> open_net_file(const std::string& path, int flags);

Result<std::string> read_net_file(const std::string& path);
Result<void> write_net_file(const std::string& path, const std::string& value);

}  // namespace mptcp
