// Reads arguments from JavaScript with checks: a TypeError or RangeError names the wrong one.
// Everything here runs on the JavaScript thread.
#pragma once

#include <napi.h>

#include <cmath>
#include <concepts>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>

namespace mptcp::binding {

class Argument {
 public:
  Argument(Napi::Value value, std::string name) : value_(value), name_(std::move(name)) {}
  Argument(const Napi::CallbackInfo& info, size_t index, std::string name)
      : Argument(info[index], std::move(name)) {}

  bool absent() const { return value_.IsUndefined(); }

  /// Returns a property. Throws a TypeError if this is not an object.
  Argument operator[](const char* key) const;
  /// Visits the elements of an array in order. Throws a TypeError if this is not an array.
  template <class Visit>
  void for_each(Visit visit) const {
    if (!value_.IsArray()) throw type_error("an array");
    const auto array = value_.As<Napi::Array>();
    for (uint32_t i = 0; i < array.Length(); ++i) {
      visit(Argument(array.Get(i), name_ + '[' + std::to_string(i) + ']'));
    }
  }

  bool boolean() const;
  std::string text() const;
  Napi::Function function() const;

  template <std::integral T>
  T integer() const {
    static_assert(sizeof(T) <= sizeof(uint32_t));
    return static_cast<T>(
        integer_within(std::numeric_limits<T>::min(), std::numeric_limits<T>::max()));
  }

  // These return nothing if the argument is absent.
  template <std::integral T>
  std::optional<T> optional_integer() const {
    return absent() ? std::nullopt : std::optional(integer<T>());
  }
  std::optional<std::string> optional_text() const;
  std::optional<Napi::Function> optional_function() const;

  Napi::Error type_error(const std::string& expected) const;

 private:
  double integer_within(double least, double most) const;

  Napi::Value value_;
  std::string name_;
};

}  // namespace mptcp::binding
