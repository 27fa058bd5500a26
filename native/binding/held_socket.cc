#include "binding/held_socket.h"

#include <memory>

#include "binding/arguments.h"
#include "binding/errors.h"

namespace mptcp::binding {

Napi::Object to_js(Napi::Env env, UniqueFd held) {
  auto object = Napi::Object::New(env);
  // The function owns the descriptor, which is closed when the function is garbage.
  const auto fd = std::make_shared<UniqueFd>(std::move(held));
  object.Set("close", Napi::Function::New(env, [fd](const Napi::CallbackInfo&) { fd->reset(); }));
  return object;
}

Napi::Object to_js(Napi::Env env, HeldSetting held) {
  auto object = Napi::Object::New(env);
  const auto setting = std::make_shared<HeldSetting>(std::move(held));
  object.Set("change", Napi::Function::New(env, [setting](const Napi::CallbackInfo& info) {
               throw_if_failed(info.Env(), setting->change(Argument(info, 0, "value").text()));
             }));
  object.Set("restore", Napi::Function::New(
                            env, [setting](const Napi::CallbackInfo&) { setting->restore(); }));
  object.Set("release", Napi::Function::New(
                            env, [setting](const Napi::CallbackInfo&) { setting->release(); }));
  return object;
}

}  // namespace mptcp::binding
