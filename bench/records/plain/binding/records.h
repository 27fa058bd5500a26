// Replaces native/binding/records.h in the benchmark: the same write() functions make plain
// Node-API objects, with a call for each value. Property names are created once and kept, and one
// call defines all properties of an object, which is faster than a call for each.
#pragma once

#include <napi.h>

#include <array>
#include <concepts>
#include <cstdint>
#include <cstring>
#include <deque>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/address.h"
#include "core/result.h"

namespace mptcp::binding {

template <class T>
struct Property {
  Property(const char* name, const T& value) : name(name), value(value) {}

  const char* name;
  const T& value;
};

class Records {
 public:
  struct Field {
    const char* name;
    const char* reader;
  };
  static constexpr size_t kMaxFields = 64;
  static constexpr const char* kWord = "";
  static constexpr const char* kWide = "";
  static constexpr const char* kText = "";

  explicit Records(napi_env env) : env_(env) {}

  template <class T>
  napi_value value_of(const T& value) {
    napi_value result = nullptr;
    if constexpr (std::convertible_to<T, std::string_view>) {
      const std::string_view text = value;
      napi_create_string_utf8(env_, text.data(), text.size(), &result);
    } else if constexpr (requires {
                           *value;
                           static_cast<bool>(value);
                         }) {
      if (value) return value_of(*value);
    } else if constexpr (std::same_as<T, bool>) {
      napi_get_boolean(env_, value, &result);
    } else if constexpr (std::signed_integral<T>) {
      napi_create_int32(env_, value, &result);
    } else if constexpr (std::integral<T>) {
      napi_create_uint32(env_, value, &result);
    } else if constexpr (std::same_as<T, std::vector<std::byte>>) {
      auto array = Napi::Uint8Array::New(env_, value.size());
      std::memcpy(array.Data(), value.data(), value.size());
      result = array;
    } else {
      write(*this, value);
      result = made_;
    }
    return result;
  }

  // Functions write() call these.

  std::string text(const Address& address) const { return to_text(address); }

  template <class T, class... Values>
  void object(const Property<Values>&... properties) {
    static const std::array fields{Field{properties.name, ""}...};
    const auto& names = names_of(&kObjectType<T>, fields);
    const std::array<napi_value, sizeof...(Values)> values{value_of(properties.value)...};
    std::array<napi_property_descriptor, sizeof...(Values)> all;
    size_t count = 0;
    for (size_t i = 0; i < values.size(); ++i) {
      if (values[i]) all[count++] = descriptor(names[i], values[i]);
    }
    define({all.data(), count});
  }

  template <class T>
  void list(const std::vector<T>& elements) {
    napi_value array = nullptr;
    napi_create_array_with_length(env_, elements.size(), &array);
    for (uint32_t i = 0; i < elements.size(); ++i) {
      napi_set_element(env_, array, i, value_of(elements[i]));
    }
    made_ = array;
  }

  void nothing() { napi_get_undefined(env_, &made_); }

  void begin_object(const void* type, uint64_t present, std::span<const Field> fields) {
    table_ = &names_of(type, fields);
    present_ = present;
    next_ = put_ = 0;
    left_ = static_cast<size_t>(__builtin_popcountll(present));
  }
  void put_word(uint32_t number) { put(value_of(number)); }
  void put_wide(uint64_t number) {
    napi_value value = nullptr;
    napi_create_double(env_, static_cast<double>(number), &value);
    put(value);
  }
  void put_text(std::string_view text) { put(value_of(text)); }

 private:
  using Names = std::vector<napi_value>;

  template <class T>
  static inline constexpr char kObjectType = 0;

  static napi_property_descriptor descriptor(napi_value name, napi_value value) {
    return {nullptr, name, nullptr, nullptr, nullptr, value, napi_default_jsproperty, nullptr};
  }

  // Keeps an array of the names for each type, whose strings are those that V8 uses for keys.
  const Names& names_of(const void* type, std::span<const Field> fields) {
    static std::map<const void*, Napi::Reference<Napi::Array>> kept;
    for (const auto& [known, names] : names_) {
      if (known == type) return names;
    }
    auto& reference = kept[type];
    if (reference.IsEmpty()) {
      std::string script;
      for (const Field& field : fields) script += std::string("'") + field.name + "',";
      const auto array = Napi::Env(env_).RunScript('[' + script + ']').As<Napi::Array>();
      reference = Napi::Persistent(array);
      reference.SuppressDestruct();
    }
    const napi_value array = reference.Value();
    Names names(fields.size());
    for (uint32_t i = 0; i < names.size(); ++i) napi_get_element(env_, array, i, &names[i]);
    return names_.emplace_back(type, std::move(names)).second;
  }

  void put(napi_value value) {
    while ((present_ >> next_ & 1) == 0) ++next_;
    descriptors_[put_++] = descriptor((*table_)[next_++], value);
    if (put_ == left_) define({descriptors_.data(), put_});
  }

  void define(std::span<const napi_property_descriptor> properties) {
    napi_create_object(env_, &made_);
    napi_define_properties(env_, made_, properties.size(), properties.data());
  }

  const napi_env env_;
  napi_value made_ = nullptr;
  std::deque<std::pair<const void*, Names>> names_;  // a deque keeps references valid
  const Names* table_ = nullptr;
  uint64_t present_ = 0;
  size_t next_ = 0;
  size_t put_ = 0;
  size_t left_ = 0;
  std::array<napi_property_descriptor, kMaxFields> descriptors_;
};

template <class T>
void write(Records& to, const std::vector<T>& elements) {
  to.list(elements);
}

}  // namespace mptcp::binding
