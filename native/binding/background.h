// Gives a JavaScript object a thread, and the thread a way to call into JavaScript.
#pragma once

#include <napi.h>

#include <array>
#include <atomic>
#include <functional>
#include <optional>
#include <vector>

#include "binding/worker_thread.h"

namespace mptcp::binding {

/// Is created, used and destroyed on the JavaScript thread, except where a method says otherwise.
/// It must be the last member of its owner, so that the thread ends before the members that it
/// uses.
///
/// The thread ends by close(), when the owner is destroyed (as garbage, or with an environment that
/// runs no more JavaScript), or when the environment is torn down; the last two wait for the
/// thread. After exit() of the process it continues until the process is gone.
class Background {
 public:
  struct Parts {
    const char* name;
    /// Runs on the thread.
    std::function<void(WorkerThread&)> run;
    /// Runs on the JavaScript thread soon after post(), and once after the thread has ended.
    std::function<void(Napi::Env)> deliver;
  };

  /// Starts the thread. `owner` is the object that hold() keeps alive. Throws a Napi::Error if no
  /// thread can be created.
  Background(Napi::Env env, Napi::Object owner, Parts parts);
  ~Background();
  Background(const Background&) = delete;
  Background& operator=(const Background&) = delete;

  /// Requests a delivery, on any thread; calls before the next delivery count as one.
  void post();
  void wake();
  /// Sets whether the owner stays alive though JavaScript has no reference to it, and whether the
  /// event loop does.
  void hold(bool owner, bool loop);

  // Every owner has these methods.
  Napi::Value thread_id(Napi::Env env) const;
  void close(std::optional<Napi::Function> closed);

 private:
  static void on_posted(napi_env env, napi_value, void* self, void*);
  static void on_teardown(void* self);
  void deliver(Napi::Env env);
  void update_holds();
  bool ended() const { return functions_[0] == nullptr; }
  void end();

  const napi_env env_;
  const Parts parts_;
  Napi::ObjectReference owner_;
  std::vector<Napi::FunctionReference> closed_;
  bool hold_owner_ = false;
  bool hold_loop_ = false;
  bool owner_is_held_ = false;
  bool loop_is_held_ = false;
  pid_t thread_id_ = 0;
  std::atomic<bool> posted_ = false;
  std::atomic<bool> finished_ = false;
  // They alternate: Node serves the calls of one function, and those that arrive in the meantime,
  // until there are none, before the event loop continues.
  std::array<napi_threadsafe_function, 2> functions_{};  // null once the environment is torn down
  std::atomic<size_t> turn_ = 0;
  std::optional<WorkerThread> thread_;  // calls the functions
};

/// Calls into JavaScript from a delivery. An exception of the function is an uncaught exception.
void call_from_delivery(Napi::Env env, const Napi::Function& function,
                        const std::vector<napi_value>& arguments);

}  // namespace mptcp::binding
