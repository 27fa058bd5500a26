// Socket options by the name of their constant, typed: what works on MPTCP sockets and reaches
// every subflow (kernel: net/mptcp/sockopt.c).
#pragma once

#include <string>
#include <string_view>
#include <variant>

#include "core/result.h"

namespace mptcp {

/// An integer, or the text of a name such as TCP_CONGESTION's.
using OptionValue = std::variant<int, std::string>;

/// EINVAL: no option of this name is known here, or the value is of the wrong type.
Result<void> set_socket_option(int fd, std::string_view name, const OptionValue& value);

/// The value as the kernel holds it. EINVAL: no option of this name is known here.
Result<OptionValue> get_socket_option(int fd, std::string_view name);

}  // namespace mptcp
