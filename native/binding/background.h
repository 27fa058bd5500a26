// What a JavaScript object with a thread is made of: the thread, and the way from it to JavaScript.
#pragma once

#include <napi.h>

#include <array>
#include <atomic>
#include <functional>
#include <optional>
#include <vector>

#include "binding/worker_thread.h"

namespace mptcp::binding {

/// Made, used and destroyed on the JavaScript thread, but for what says otherwise. As the last
/// member of its owner it ends the thread before what the thread uses.
///
/// The thread ends by close(), when the owner is destroyed (garbage, or the end of the environment
/// without a chance to run JavaScript), or when the environment is torn down; the last two wait for
/// it. After a bare exit() of the process it just runs on until the process is gone.
class Background {
 public:
  struct Parts {
    const char* name;
    /// On the thread.
    std::function<void(WorkerThread&)> run;
    /// On the JavaScript thread, soon after post() and once after the thread has ended.
    std::function<void(Napi::Env)> deliver;
  };

  /// `owner` is the object that stays alive while it is held, see hold(). Throws a Napi::Error
  /// where there is no thread to be had.
  Background(Napi::Env env, Napi::Object owner, Parts parts);
  ~Background();
  Background(const Background&) = delete;
  Background& operator=(const Background&) = delete;

  /// Any thread; calls before the next delivery are one.
  void post();
  void wake();
  /// Whether the owner is not garbage though nobody refers to it, and whether the event loop stays
  /// alive for it.
  void hold(bool owner, bool loop);

  // Methods of every owner.
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
  // By turns: Node answers the calls of one function until there are none, those that come in the
  // meantime included, before the event loop goes on.
  std::array<napi_threadsafe_function, 2> functions_{};  // null: the environment is torn down
  std::atomic<size_t> turn_ = 0;
  std::optional<WorkerThread> thread_;  // calls the functions
};

/// Calls into JavaScript from a delivery: what the function throws is an uncaught exception.
void call_from_delivery(Napi::Env env, const Napi::Function& function,
                        const std::vector<napi_value>& arguments);

}  // namespace mptcp::binding
