#include <cstdlib>

#include "fuzz/fuzz.h"

namespace {

using mptcp::netlink::Attribute;
using mptcp::netlink::Attributes;

// Reads every byte of every attribute, as deep as they nest.
void walk(const Attributes& attributes, int depth) {
  if (depth > Attributes::kMaxDepth) std::abort();
  unsigned sum = 0;
  attributes.for_each([&](const Attribute& attribute) {
    for (const std::byte byte : attribute.payload) sum += std::to_integer<unsigned>(byte);
    if (attribute.as_string().size() > attribute.payload.size()) std::abort();
    const auto last = attributes.find(attribute.type);
    if (!last || last->type != attribute.type) std::abort();
    if (const auto inside = attributes.inside(attribute)) walk(*inside, depth + 1);
  });
  volatile unsigned used = sum;
  static_cast<void>(used);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  mptcp::test::for_each_message(data, size, [](const mptcp::netlink::MessageView& message) {
    for (const size_t fixed : {0, 4, 8, 12, 16, 72}) {
      if (const auto attributes = message.attributes(fixed)) walk(*attributes, 0);
    }
  });
  return 0;
}
