// A listener that JavaScript holds for the joins alone: a thread resets everybody else.
#pragma once

#include <napi.h>

#include <memory>

#include "binding/worker_thread.h"
#include "core/address.h"
#include "core/result.h"
#include "core/unique_fd.h"

namespace mptcp::binding {

class HeldListener {
 public:
  /// Any thread. EADDRINUSE: somebody listens there.
  static Result<std::shared_ptr<HeldListener>> open(const Address& address);

  explicit HeldListener(UniqueFd fd);

 private:
  void reset_others(WorkerThread& thread) const;

  const UniqueFd fd_;
  // The last: it uses the descriptor.
  WorkerThread thread_;
};

/// NativeHeldSocket: the listener ends by close(), as garbage, or with the environment.
Napi::Object to_js(Napi::Env env, std::shared_ptr<HeldListener> listener);

}  // namespace mptcp::binding
