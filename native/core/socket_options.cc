// Maps the names of socket options to their levels, numbers and types.
#include "core/socket_options.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <iterator>

namespace mptcp {
namespace {

enum class Kind { kInteger, kText };

struct Option {
  std::string_view name;
  int level;
  int option;
  Kind kind;
};

// Older headers lack these constants.
constexpr int kSoBusyPoll = 46;
constexpr int kSoIncomingCpu = 49;
constexpr int kIpBindAddressNoPort = 24;
constexpr int kIpLocalPortRange = 51;
constexpr int kTcpFastopenConnect = 30;

constexpr Option kOptions[] = {
    {"SO_MARK", SOL_SOCKET, SO_MARK, Kind::kInteger},
    {"SO_PRIORITY", SOL_SOCKET, SO_PRIORITY, Kind::kInteger},
    {"SO_RCVBUF", SOL_SOCKET, SO_RCVBUF, Kind::kInteger},
    {"SO_SNDBUF", SOL_SOCKET, SO_SNDBUF, Kind::kInteger},
    {"SO_KEEPALIVE", SOL_SOCKET, SO_KEEPALIVE, Kind::kInteger},
    {"SO_INCOMING_CPU", SOL_SOCKET, kSoIncomingCpu, Kind::kInteger},
    {"SO_BUSY_POLL", SOL_SOCKET, kSoBusyPoll, Kind::kInteger},
    {"SO_REUSEADDR", SOL_SOCKET, SO_REUSEADDR, Kind::kInteger},
    {"SO_REUSEPORT", SOL_SOCKET, SO_REUSEPORT, Kind::kInteger},
    {"SO_BINDTODEVICE", SOL_SOCKET, SO_BINDTODEVICE, Kind::kText},
    {"SO_DOMAIN", SOL_SOCKET, SO_DOMAIN, Kind::kInteger},
    {"SO_PROTOCOL", SOL_SOCKET, SO_PROTOCOL, Kind::kInteger},
    {"IP_TOS", IPPROTO_IP, IP_TOS, Kind::kInteger},
    {"IP_FREEBIND", IPPROTO_IP, IP_FREEBIND, Kind::kInteger},
    {"IP_TRANSPARENT", IPPROTO_IP, IP_TRANSPARENT, Kind::kInteger},
    {"IP_BIND_ADDRESS_NO_PORT", IPPROTO_IP, kIpBindAddressNoPort, Kind::kInteger},
    {"IP_LOCAL_PORT_RANGE", IPPROTO_IP, kIpLocalPortRange, Kind::kInteger},
    {"IPV6_TCLASS", IPPROTO_IPV6, IPV6_TCLASS, Kind::kInteger},
    {"TCP_NODELAY", IPPROTO_TCP, TCP_NODELAY, Kind::kInteger},
    {"TCP_CORK", IPPROTO_TCP, TCP_CORK, Kind::kInteger},
    {"TCP_KEEPIDLE", IPPROTO_TCP, TCP_KEEPIDLE, Kind::kInteger},
    {"TCP_KEEPINTVL", IPPROTO_TCP, TCP_KEEPINTVL, Kind::kInteger},
    {"TCP_KEEPCNT", IPPROTO_TCP, TCP_KEEPCNT, Kind::kInteger},
    {"TCP_NOTSENT_LOWAT", IPPROTO_TCP, TCP_NOTSENT_LOWAT, Kind::kInteger},
    {"TCP_FASTOPEN", IPPROTO_TCP, TCP_FASTOPEN, Kind::kInteger},
    {"TCP_FASTOPEN_CONNECT", IPPROTO_TCP, kTcpFastopenConnect, Kind::kInteger},
    {"TCP_CONGESTION", IPPROTO_TCP, TCP_CONGESTION, Kind::kText},
};

// TCP_CA_NAME_MAX and IFNAMSIZ are both 16, which includes the terminating zero.
constexpr size_t kMaxText = 16;

const Option* find(std::string_view name) {
  const auto* option = std::find_if(std::begin(kOptions), std::end(kOptions),
                                    [name](const Option& each) { return each.name == name; });
  return option == std::end(kOptions) ? nullptr : option;
}

Error failed(const char* call, std::string_view name, int code) {
  Error error;
  error.code = code;
  error.call = std::string(call) + " " + std::string(name);
  return error;
}

}  // namespace

Result<void> set_socket_option(int fd, std::string_view name, const OptionValue& value) {
  const Option* option = find(name);
  const bool is_text = std::holds_alternative<std::string>(value);
  if (!option || is_text != (option->kind == Kind::kText)) {
    return failed("setsockopt", name, EINVAL);
  }
  int result = 0;
  if (is_text) {
    const auto& text = std::get<std::string>(value);
    result = setsockopt(fd, option->level, option->option, text.data(),
                        static_cast<socklen_t>(text.size()));
  } else {
    const int integer = std::get<int>(value);
    result = setsockopt(fd, option->level, option->option, &integer, sizeof(integer));
  }
  if (result != 0) return failed("setsockopt", name, errno);
  return {};
}

Result<OptionValue> get_socket_option(int fd, std::string_view name) {
  const Option* option = find(name);
  if (!option) return failed("getsockopt", name, EINVAL);
  if (option->kind == Kind::kText) {
    std::array<char, kMaxText + 1> text{};
    socklen_t length = kMaxText;
    if (getsockopt(fd, option->level, option->option, text.data(), &length) != 0) {
      return failed("getsockopt", name, errno);
    }
    return OptionValue(std::string(text.data()));
  }
  int integer = 0;
  socklen_t length = sizeof(integer);
  if (getsockopt(fd, option->level, option->option, &integer, &length) != 0) {
    return failed("getsockopt", name, errno);
  }
  return OptionValue(integer);
}

}  // namespace mptcp
