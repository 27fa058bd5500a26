#include "core/network_namespace.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdio>

#include "core/unique_fd.h"

namespace mptcp {
namespace {

/// A file_handle and the room for its bytes: one of a namespace has 16.
struct HandleBuffer {
  static constexpr size_t kRoom = 128;  // MAX_HANDLE_SZ
  alignas(file_handle) std::array<unsigned char, sizeof(file_handle) + kRoom> bytes{};

  file_handle& get() { return *reinterpret_cast<file_handle*>(bytes.data()); }
  /// Returns a byte of f_handle, whose size the compiler takes for 0.
  unsigned char& byte(size_t index) { return bytes[sizeof(file_handle) + index]; }
};

/// Opens the file of the calling thread's network namespace.
UniqueFd own_namespace() {
  return UniqueFd(open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
}

bool read_handle(const UniqueFd& fd, HandleBuffer& buffer) {
  buffer.get().handle_bytes = HandleBuffer::kRoom;
  int mount = 0;
  return name_to_handle_at(fd.get(), "", &buffer.get(), &mount, AT_EMPTY_PATH) == 0;
}

bool parse_handle(const std::string& text, HandleBuffer& buffer) {
  file_handle& handle = buffer.get();
  int start = 0;
  if (std::sscanf(text.c_str(), "%d:%n", &handle.handle_type, &start) != 1 || start == 0) {
    return false;
  }
  for (size_t at = static_cast<size_t>(start); at < text.size(); at += 2) {
    unsigned byte = 0;
    if (handle.handle_bytes == HandleBuffer::kRoom) return false;
    if (std::sscanf(text.c_str() + at, "%2x", &byte) != 1) return false;
    buffer.byte(handle.handle_bytes++) = static_cast<unsigned char>(byte);
  }
  return true;
}

}  // namespace

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

Result<std::optional<std::string>> network_namespace_handle() {
  const UniqueFd fd = own_namespace();
  if (!fd) return last_error("open /proc/thread-self/ns/net");
  HandleBuffer buffer;
  if (!read_handle(fd, buffer)) return std::optional<std::string>();
  const file_handle& handle = buffer.get();
  std::string text = std::to_string(handle.handle_type) + ":";
  for (unsigned i = 0; i < handle.handle_bytes; ++i) {
    std::array<char, 3> digits{};
    std::snprintf(digits.data(), digits.size(), "%02x", buffer.byte(i));
    text += digits.data();
  }
  return std::optional(text);
}

Result<bool> network_namespace_exists(const std::string& text) {
  const UniqueFd fd = own_namespace();
  if (!fd) return last_error("open /proc/thread-self/ns/net");
  HandleBuffer own;
  HandleBuffer other;
  // The kernel answers ESTALE to a handle of another form too, which proves nothing.
  const bool comparable = read_handle(fd, own) && parse_handle(text, other) &&
                          own.get().handle_type == other.get().handle_type &&
                          own.get().handle_bytes == other.get().handle_bytes;
  if (!comparable) return true;
  const UniqueFd found(open_by_handle_at(fd.get(), &other.get(), O_RDONLY | O_CLOEXEC));
  return found || errno != ESTALE;
}

}  // namespace mptcp
