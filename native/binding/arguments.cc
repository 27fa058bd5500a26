// Checks arguments from JavaScript and throws errors that name them.
#include "binding/arguments.h"

namespace mptcp::binding {

Napi::Error Argument::type_error(const std::string& expected) const {
  return Napi::TypeError::New(value_.Env(), name_ + " must be " + expected);
}

Argument Argument::operator[](const char* key) const {
  if (!value_.IsObject()) throw type_error("an object");
  return {value_.As<Napi::Object>().Get(key), name_ + '.' + key};
}

bool Argument::boolean() const {
  if (!value_.IsBoolean()) throw type_error("a boolean");
  return value_.As<Napi::Boolean>().Value();
}

std::string Argument::text() const {
  if (!value_.IsString()) throw type_error("a string");
  auto text = value_.As<Napi::String>().Utf8Value();
  if (text.find('\0') != std::string::npos) throw type_error("a string without zero bytes");
  return text;
}

Napi::Function Argument::function() const {
  if (!value_.IsFunction()) throw type_error("a function");
  return value_.As<Napi::Function>();
}

std::optional<std::string> Argument::optional_text() const {
  return absent() ? std::nullopt : std::optional(text());
}

std::optional<Napi::Function> Argument::optional_function() const {
  return absent() ? std::nullopt : std::optional(function());
}

double Argument::integer_within(double least, double most) const {
  if (!value_.IsNumber()) throw type_error("a number");
  const double number = value_.As<Napi::Number>().DoubleValue();
  if (std::trunc(number) != number || number < least || number > most) {
    throw Napi::RangeError::New(value_.Env(), name_ + " must be an integer from " +
                                                  std::to_string(static_cast<int64_t>(least)) +
                                                  " to " +
                                                  std::to_string(static_cast<int64_t>(most)));
  }
  return number;
}

}  // namespace mptcp::binding
