#include "binding/errors.h"

#include <cstring>

namespace mptcp::binding {

Napi::Error to_js_error(Napi::Env env, const Error& error) {
  auto js_error = Napi::Error::New(env, error.call + ": " + std::strerror(error.code));
  js_error.Set("errno", Napi::Number::New(env, error.code));
  js_error.Set("call", Napi::String::New(env, error.call));
  if (!error.extack.empty()) js_error.Set("extack", Napi::String::New(env, error.extack));
  if (error.offending_attribute) {
    js_error.Set("offendingAttribute", Napi::Number::New(env, *error.offending_attribute));
  }
  if (error.missing_attribute) {
    js_error.Set("missingAttribute", Napi::Number::New(env, *error.missing_attribute));
  }
  return js_error;
}

}  // namespace mptcp::binding
