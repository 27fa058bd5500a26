// Opens, reads and writes files under /proc/sys/net/ and /proc/net/.
#include "core/net_file.h"

#include <fcntl.h>

#include <array>
#include <cerrno>
#include <string_view>

namespace mptcp {
namespace {

constexpr std::string_view kSettings = "/proc/sys/net/";
constexpr std::string_view kCounters = "/proc/net/";
// /proc/net belongs to the process's first thread.
constexpr std::string_view kThreadCounters = "/proc/thread-self/net/";

}  // namespace

Result<UniqueFd> open_net_file(const std::string& path, int flags) {
  std::string own = path;
  if (path.starts_with(kCounters)) own.replace(0, kCounters.size(), kThreadCounters);
  const bool inside = path.starts_with(kSettings) || path.starts_with(kCounters);
  if (!inside || path.find("/../") != std::string::npos) {
    Error error;
    error.code = EINVAL;
    error.call = "open " + path;
    return error;
  }
  UniqueFd fd(open(own.c_str(), flags | O_CLOEXEC));
  if (!fd) return last_error("open " + path);
  return fd;
}

Result<std::string> read_net_file(const std::string& path) {
  const auto fd = open_net_file(path, O_RDONLY);
  if (!fd) return fd.error();
  std::string text;
  std::array<char, 4096> chunk;
  for (;;) {
    const ssize_t length = read(fd->get(), chunk.data(), chunk.size());
    if (length < 0) return last_error("read " + path);
    if (length == 0) return text;
    text.append(chunk.data(), static_cast<size_t>(length));
  }
}

Result<void> write_net_file(const std::string& path, const std::string& value) {
  const auto fd = open_net_file(path, O_WRONLY);
  if (!fd) return fd.error();
  // The kernel accepts or refuses a setting by a single write.
  if (write(fd->get(), value.data(), value.size()) < 0) return last_error("write " + path);
  return {};
}

}  // namespace mptcp
