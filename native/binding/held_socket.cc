#include "binding/held_socket.h"

#include <memory>

namespace mptcp::binding {

Napi::Object to_js(Napi::Env env, UniqueFd held) {
  auto object = Napi::Object::New(env);
  // The function owns the descriptor, and is finalized with it.
  const auto fd = std::make_shared<UniqueFd>(std::move(held));
  object.Set("close", Napi::Function::New(env, [fd](const Napi::CallbackInfo&) { fd->reset(); }));
  return object;
}

}  // namespace mptcp::binding
