#include "core/result.h"

#include <cerrno>

namespace mptcp {

Error last_error(std::string call) {
  Error error;
  error.code = errno;
  error.call = std::move(call);
  return error;
}

}  // namespace mptcp
