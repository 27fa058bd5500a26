// Parses, converts and writes IP addresses.
#include "core/address.h"

#include <arpa/inet.h>
#include <net/if.h>

#include <algorithm>
#include <charconv>
#include <cstring>

namespace mptcp {
namespace {

constexpr std::array<uint8_t, 12> kV4MappedPrefix = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

bool is_link_local(const Address& address) {
  return address.family == AF_INET6 && address.bytes[0] == 0xfe &&
         (address.bytes[1] & 0xc0) == 0x80;
}

std::optional<uint32_t> parse_scope(const std::string& text) {
  if (const uint32_t index = if_nametoindex(text.c_str())) return index;
  uint32_t index = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), index);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return index;
}

}  // namespace

Address from_bytes(sa_family_t family, const void* bytes, uint16_t port, uint32_t scope) {
  Address address;
  address.family = family;
  address.port = port;
  const auto* first = static_cast<const uint8_t*>(bytes);
  if (family == AF_INET) {
    std::copy_n(first, 4, address.bytes.begin());
  } else if (std::equal(kV4MappedPrefix.begin(), kV4MappedPrefix.end(), first)) {
    address.family = AF_INET;
    std::copy_n(first + kV4MappedPrefix.size(), 4, address.bytes.begin());
  } else {
    std::copy_n(first, 16, address.bytes.begin());
    address.scope = scope;
  }
  return address;
}

Address from_sockaddr(const sockaddr_storage& storage) {
  if (storage.ss_family == AF_INET) {
    sockaddr_in in{};
    std::memcpy(&in, &storage, sizeof(in));
    return from_bytes(AF_INET, &in.sin_addr, ntohs(in.sin_port));
  }
  if (storage.ss_family == AF_INET6) {
    sockaddr_in6 in6{};
    std::memcpy(&in6, &storage, sizeof(in6));
    return from_bytes(AF_INET6, &in6.sin6_addr, ntohs(in6.sin6_port), in6.sin6_scope_id);
  }
  return {};
}

std::optional<Address> parse_address(const std::string& text, uint16_t port) {
  in_addr in{};
  if (inet_pton(AF_INET, text.c_str(), &in) == 1) return from_bytes(AF_INET, &in, port);
  const size_t percent = text.find('%');
  in6_addr in6{};
  if (inet_pton(AF_INET6, text.substr(0, percent).c_str(), &in6) != 1) return std::nullopt;
  uint32_t scope = 0;
  if (percent != std::string::npos) {
    const auto parsed = parse_scope(text.substr(percent + 1));
    if (!parsed) return std::nullopt;
    scope = *parsed;
  }
  return from_bytes(AF_INET6, &in6, port, scope);
}

socklen_t to_sockaddr(const Address& address, sockaddr_storage* storage) {
  *storage = {};
  if (address.family == AF_INET) {
    sockaddr_in in{};
    in.sin_family = AF_INET;
    in.sin_port = htons(address.port);
    std::memcpy(&in.sin_addr, address.bytes.data(), sizeof(in.sin_addr));
    std::memcpy(storage, &in, sizeof(in));
    return sizeof(in);
  }
  sockaddr_in6 in6{};
  in6.sin6_family = AF_INET6;
  in6.sin6_port = htons(address.port);
  in6.sin6_scope_id = address.scope;
  std::memcpy(&in6.sin6_addr, address.bytes.data(), sizeof(in6.sin6_addr));
  std::memcpy(storage, &in6, sizeof(in6));
  return sizeof(in6);
}

std::string to_text(const Address& address) {
  if (address.family == AF_INET) {  // inet_ntop() would use printf, which is slow
    std::string text = std::to_string(address.bytes[0]);
    for (size_t i = 1; i < sizeof(in_addr); ++i) {
      text += '.';
      text += std::to_string(address.bytes[i]);
    }
    return text;
  }
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (!inet_ntop(address.family, address.bytes.data(), text.data(), text.size())) return {};
  std::string result = text.data();
  if (is_link_local(address) && address.scope != 0) {
    std::array<char, IF_NAMESIZE> name{};
    result += '%';
    result +=
        if_indextoname(address.scope, name.data()) ? name.data() : std::to_string(address.scope);
  }
  return result;
}

}  // namespace mptcp
