// Brings plain objects to JavaScript: the thread that reads them writes them as words and texts,
// and one call of a script on the event loop makes the objects.
//
// `npm run bench:records` compares that with Node-API calls for each value. By its medians, those
// occupy the event loop 3 times as long for a single event or 4 endpoints, 5 to 15 times for a
// single socket or connection with its subflows, 6 times for a dump of connections, and 23 times
// for many events or a dump of subflows. The thread and the event loop together need 2.5 to 16
// times as long. Those are faster once a process: its first conversion of up to 100 objects is
// slower here by some 0.2 ms, in which the script is compiled.
#pragma once

#include <napi.h>

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "binding/interface_names.h"
#include "core/address.h"
#include "core/result.h"

namespace mptcp::binding {

/// Is a property for Records::object(). The object does not have it if `value` is an empty optional
/// or a null pointer.
template <class T>
struct Property {
  Property(const char* name, const T& value) : name(name), value(value) {}

  const char* name;
  const T& value;
};

/// Holds values in order. One thread at a time may use it.
///
/// The function write(Records&, const T&) of a type defines its form in JavaScript: it calls
/// object(), list(), error() or nothing() once.
class Records {
 public:
  // Any thread may call these.

  template <class T>
  void add(const T& value) {
    if (size_++ == 0) reserve();
    write(*this, value);
  }
  size_t size() const { return size_; }

  /// Writes the same as to_text(address) in the thread's network namespace.
  std::string text(const Address& address) { return names_.text(address); }

  // Functions write() call these.

  /// Writes an object. Its properties are numbers, booleans, texts, bytes, or have a write(). All
  /// objects of a `T` must have the same property names in the same order.
  template <class T, class... Values>
  void object(const Property<Values>&... properties) {
    static const std::array fields{Field{properties.name, reader_of<Values>()}...};
    uint64_t present = 0;
    size_t place = 0;
    ((present |= uint64_t{is_there(properties.value)} << place++), ...);
    begin_object(&kObjectType<T>, present, fields);
    (put(properties.value), ...);
  }

  template <class T>
  void list(const std::vector<T>& elements) {
    put_word(kList);
    put_word(static_cast<uint32_t>(elements.size()));
    for (const T& element : elements) write(*this, element);
  }

  void error(const Error& error);
  void nothing() { put_word(kNothing); }

  // Functions write() call these for objects whose properties stand in a table.

  struct Field {
    const char* name;
    const char* reader;  // names a function of the script in records.cc
  };
  static constexpr size_t kMaxFields = 64;
  struct Shape {
    const void* type;
    uint64_t present;
    std::span<const Field> fields;  // includes the absent ones

    bool operator==(const Shape& other) const {
      return type == other.type && present == other.present;
    }
  };
  static constexpr const char* kWord = "word";
  static constexpr const char* kWide = "wide";
  static constexpr const char* kText = "text";

  /// Begins an object; `type` identifies it as T does for object(). `present` has a bit for each of
  /// `fields`, which must stay valid. The values of the present fields must follow in their order.
  void begin_object(const void* type, uint64_t present, std::span<const Field> fields);
  void put_word(uint32_t number) { words_.push_back(number); }
  void put_wide(uint64_t number) {
    put_word(static_cast<uint32_t>(number));
    put_word(static_cast<uint32_t>(number >> 32));
  }
  void put_text(std::string_view text);

  // The JavaScript thread calls this.

  Napi::Array to_js(Napi::Env env) const;

 private:
  using Bytes = std::vector<std::byte>;
  using Other = std::variant<Error, Bytes>;

  // A value begins with one of these, or with kFirstShape and the index of its shape added.
  enum Begin : uint32_t { kNothing, kOther, kList, kFirstShape };

  template <class T>
  static inline constexpr char kObjectType = 0;

  template <class T>
  static constexpr bool kIsText = std::convertible_to<T, std::string_view>;
  template <class T>
  static constexpr bool kMayBeAbsent = requires(const T& value) {
    *value;
    static_cast<bool>(value);
  };

  template <class T>
  static constexpr const char* reader_of() {
    if constexpr (kIsText<T>) {
      return kText;
    } else if constexpr (kMayBeAbsent<T>) {
      return reader_of<std::remove_cvref_t<decltype(*std::declval<T>())>>();
    } else if constexpr (std::same_as<T, bool>) {
      return "truth";
    } else if constexpr (std::integral<T>) {
      static_assert(sizeof(T) <= sizeof(uint32_t));
      return std::is_signed_v<T> ? "signed" : kWord;
    } else {
      return "value";
    }
  }

  template <class T>
  static bool is_there(const T& value) {
    if constexpr (kMayBeAbsent<T> && !kIsText<T>) {
      return static_cast<bool>(value);
    } else {
      return true;
    }
  }

  template <class T>
  void put(const T& value) {
    if constexpr (kIsText<T>) {
      put_text(value);
    } else if constexpr (kMayBeAbsent<T>) {
      if (value) put(*value);
    } else if constexpr (std::integral<T>) {
      put_word(static_cast<uint32_t>(value));
    } else if constexpr (std::same_as<T, Bytes>) {
      put_other(value);
    } else {
      write(*this, value);
    }
  }
  void put_other(Other other);
  void reserve();
  std::string_view text_at(size_t place) const;
  Napi::Array others_to_js(Napi::Env env) const;

  size_t size_ = 0;
  InterfaceNames names_;
  std::vector<Shape> shapes_;
  std::vector<uint32_t> words_;
  std::string texts_;  // concatenated
  std::vector<size_t> text_ends_;
  std::vector<Other> others_;
};

template <class T>
void write(Records& to, const std::vector<T>& elements) {
  to.list(elements);
}

template <class T>
void write(Records& to, const Result<T>& result) {
  result ? write(to, *result) : to.error(result.error());
}

/// Holds a single value.
struct Record {
  Records only;
};

template <class T>
Record record_of(const T& value) {
  Record record;
  record.only.add(value);
  return record;
}

template <class T>
Records records_of(const std::vector<T>& values) {
  Records records;
  for (const T& value : values) records.add(value);
  return records;
}

inline Napi::Value to_js(Napi::Env env, const Records& records) { return records.to_js(env); }

inline Napi::Value to_js(Napi::Env env, const Record& record) {
  return record.only.to_js(env).Get(uint32_t{0});
}

}  // namespace mptcp::binding
