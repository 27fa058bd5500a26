// Sets and gets socket options by the name of their constant: those that work on MPTCP sockets and
// reach every subflow (kernel: net/mptcp/sockopt.c).
#pragma once

#include <string>
#include <string_view>
#include <variant>

#include "core/result.h"

namespace mptcp {

/// Is an integer, or text for options such as TCP_CONGESTION.
using OptionValue = std::variant<int, std::string>;

/// Fails with EINVAL if the name is unknown here or the value has the wrong type.
Result<void> set_socket_option(int fd, std::string_view name, const OptionValue& value);

/// Returns the value as the kernel has it. Fails with EINVAL if the name is unknown here.
Result<OptionValue> get_socket_option(int fd, std::string_view name);

}  // namespace mptcp
