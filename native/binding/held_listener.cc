// Runs the thread that resets all connections to a held listener except joins.
#include "binding/held_listener.h"

#include <system_error>
#include <utility>

#include "core/held_socket.h"

namespace mptcp::binding {
namespace {

// The thread waits this long (ms) for new descriptors when the process has none.
constexpr int kPause = 1000;

constexpr const char* kThread = "mptcp-listener";

}  // namespace

Result<std::shared_ptr<HeldListener>> HeldListener::open(const Address& address) {
  auto fd = hold_mptcp_listener(address);
  if (!fd) return fd.error();
  return serve(std::move(*fd));
}

Result<std::shared_ptr<HeldListener>> HeldListener::serve(UniqueFd fd) {
  try {
    return std::make_shared<HeldListener>(std::move(fd));
  } catch (const std::system_error& error) {
    return thread_error(error, kThread);
  }
}

HeldListener::HeldListener(UniqueFd fd)
    : fd_(std::move(fd)),
      thread_(kThread, [this](WorkerThread& thread) { reset_others(thread); }) {}

void HeldListener::reset_others(WorkerThread& thread) const {
  while (thread.wait(fd_.get())) {
    if (!reset_waiting(fd_.get()) && !thread.wait(-1, kPause)) return;
  }
}

Napi::Object to_js(Napi::Env env, std::shared_ptr<HeldListener> listener) {
  auto object = Napi::Object::New(env);
  // The function owns the listener, which ends when the function is garbage.
  object.Set("close", Napi::Function::New(
                          env, [listener = std::move(listener)](const Napi::CallbackInfo&) mutable {
                            listener.reset();
                          }));
  return object;
}

}  // namespace mptcp::binding
