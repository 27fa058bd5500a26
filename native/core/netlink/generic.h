// Resolves generic netlink families by name (kernel: net/netlink/genetlink.c).
#pragma once

#include <linux/genetlink.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/netlink/socket.h"

namespace mptcp::netlink {

struct Family {
  uint16_t id = 0;
  uint32_t version = 0;
  std::vector<uint32_t> commands;                        // numbers that the running kernel has
  std::vector<std::pair<std::string, uint32_t>> groups;  // multicast groups by name

  std::optional<uint32_t> group(std::string_view name) const;
};

/// Fails with ENOENT if the running kernel has no such family, or not the module that has it.
Result<Family> resolve_family(Socket& socket, std::string_view name);

Result<Family> decode_family(const MessageView& message);

/// Makes the request of a family's command; attributes can follow.
Message generic_message(uint16_t family, uint8_t command, uint8_t version, const char* name);

}  // namespace mptcp::netlink
