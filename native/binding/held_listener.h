// Holds a listener for joins only: a thread resets all other connections.
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
  /// Opens it on any thread. Fails with EADDRINUSE if another socket listens there.
  static Result<std::shared_ptr<HeldListener>> open(const Address& address);

  /// Serves a socket that listens already.
  static Result<std::shared_ptr<HeldListener>> serve(UniqueFd fd);

  explicit HeldListener(UniqueFd fd);

 private:
  void reset_others(WorkerThread& thread) const;

  const UniqueFd fd_;
  // It is the last member because it uses the descriptor.
  WorkerThread thread_;
};

/// Makes a NativeHeldSocket. The listener ends by close(), as garbage, or with the environment.
Napi::Object to_js(Napi::Env env, std::shared_ptr<HeldListener> listener);

}  // namespace mptcp::binding
