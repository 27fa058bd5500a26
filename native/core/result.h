// Defines the result of a call to the kernel, a value or an error: core/ has no exceptions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>

namespace mptcp {

struct Error {
  int code = 0;        // a positive errno
  std::string call;    // what failed, such as "getsockopt MPTCP_INFO", "MPTCP_PM_CMD_ADD_ADDR"
  std::string extack;  // the kernel's own text, if it sent one (netlink only)
  std::optional<uint32_t> offending_attribute;  // byte offset into the request (NLMSGERR_ATTR_OFFS)
  std::optional<uint32_t> missing_attribute;    // attribute type (NLMSGERR_ATTR_MISS_TYPE)
};

/// Makes an Error of the current errno, which `call` has just set.
Error last_error(std::string call);

template <class T>
class [[nodiscard]] Result {
 public:
  // They are implicit so that functions can `return value;` and `return error;`.
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}

  explicit operator bool() const { return state_.index() == 0; }
  T& operator*() & { return std::get<0>(state_); }
  const T& operator*() const& { return std::get<0>(state_); }
  T&& operator*() && { return std::get<0>(std::move(state_)); }
  T* operator->() { return &std::get<0>(state_); }
  const T* operator->() const { return &std::get<0>(state_); }
  const Error& error() const { return std::get<1>(state_); }

 private:
  std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : error_(std::move(error)) {}

  explicit operator bool() const { return !error_.has_value(); }
  const Error& error() const { return *error_; }

 private:
  std::optional<Error> error_;
};

}  // namespace mptcp
