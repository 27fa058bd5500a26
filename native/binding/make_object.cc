#include "binding/make_object.h"

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <utility>

namespace mptcp::binding {
namespace {

// Of one environment, with which it ends.
struct Functions {
  // The type, and which of its properties are there.
  using Key = std::pair<const void*, uint64_t>;

  std::map<Key, Napi::FunctionReference> by_properties;
};

Functions& functions_of(Napi::Env env) {
  auto* functions = env.GetInstanceData<Functions>();
  if (functions == nullptr) {
    functions = std::make_unique<Functions>().release();
    env.SetInstanceData(functions);
  }
  return *functions;
}

// (first,second)=>({first,second})
Napi::Function make_function(Napi::Env env, std::span<const Property> properties) {
  std::string names;
  for (const auto& [name, value] : properties) {
    if (value == nullptr) continue;
    if (!names.empty()) names += ',';
    names += name;
  }
  return env.RunScript("(" + names + ")=>({" + names + "})").As<Napi::Function>();
}

}  // namespace

Napi::Object make_object(Napi::Env env, const void* type, std::span<const Property> properties) {
  std::array<napi_value, kMaxProperties> values;
  size_t count = 0;
  uint64_t present = 0;
  for (size_t i = 0; i < properties.size(); ++i) {
    if (properties[i].value == nullptr) continue;
    values[count++] = properties[i].value;
    present |= uint64_t{1} << i;
  }
  auto& function = functions_of(env).by_properties[{type, present}];
  if (function.IsEmpty()) function = Napi::Persistent(make_function(env, properties));
  return function.Value().Call(count, values.data()).As<Napi::Object>();
}

}  // namespace mptcp::binding
