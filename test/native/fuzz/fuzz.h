// Declares the fuzzers' entry, which each defines over one or more netlink messages.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/netlink/reader.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace mptcp::test {

template <class Visit>
void for_each_message(const uint8_t* data, size_t size, Visit visit) {
  netlink::Bytes datagram(reinterpret_cast<const std::byte*>(data), size);
  while (const auto message = netlink::next_message(datagram)) visit(*message);
}

}  // namespace mptcp::test
