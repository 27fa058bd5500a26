// Defines the class Commands: a thread runs its jobs one after the other, so that the event loop
// waits for no netlink call and no file (types/native.d.ts, NativeCommands).
#pragma once

#include <napi.h>

#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "binding/background.h"

namespace mptcp::binding {

class CommandSession;

/// Is created, answered and destroyed on the JavaScript thread, and runs on the command thread.
class Job {
 public:
  explicit Job(uint32_t number, Napi::Function callback)
      : number_(number), callback_(Napi::Persistent(callback)) {}
  virtual ~Job() = default;

  uint32_t number() const { return number_; }

  /// Runs on the command thread.
  virtual void run(CommandSession& session) = 0;

  void cancel();
  void answer(Napi::Env env);

 protected:
  /// Converts the result of run(), or throws its error.
  virtual Napi::Value result(Napi::Env env) = 0;

 private:
  const uint32_t number_;
  bool canceled_ = false;
  Napi::FunctionReference callback_;
};

/// Is the class Commands of JavaScript.
class CommandThread : public Napi::ObjectWrap<CommandThread> {
 public:
  static Napi::Function define(Napi::Env env);

  explicit CommandThread(const Napi::CallbackInfo& info);

 private:
  // These run on the JavaScript thread.
  Napi::Value get_thread_id(const Napi::CallbackInfo& info);
  Napi::Value run(const Napi::CallbackInfo& info);
  Napi::Value add_endpoint(const Napi::CallbackInfo& info);
  Napi::Value update_endpoint_flags(const Napi::CallbackInfo& info);
  Napi::Value endpoints(const Napi::CallbackInfo& info);
  Napi::Value links(const Napi::CallbackInfo& info);
  Napi::Value addresses(const Napi::CallbackInfo& info);
  Napi::Value routes(const Napi::CallbackInfo& info);
  Napi::Value find_route(const Napi::CallbackInfo& info);
  Napi::Value read_file(const Napi::CallbackInfo& info);
  Napi::Value write_file(const Napi::CallbackInfo& info);
  Napi::Value listen(const Napi::CallbackInfo& info);
  Napi::Value hold_setting(const Napi::CallbackInfo& info);
  Napi::Value hold_name(const Napi::CallbackInfo& info);
  Napi::Value name_owner(const Napi::CallbackInfo& info);
  Napi::Value namespace_cookie(const Napi::CallbackInfo& info);
  Napi::Value namespace_handle(const Napi::CallbackInfo& info);
  Napi::Value namespace_exists(const Napi::CallbackInfo& info);
  Napi::Value family(const Napi::CallbackInfo& info);
  Napi::Value tells_denied_joins(const Napi::CallbackInfo& info);
  Napi::Value cancel(const Napi::CallbackInfo& info);
  void drain(const Napi::CallbackInfo& info);
  void ref(const Napi::CallbackInfo& info);
  void unref(const Napi::CallbackInfo& info);
  void close(const Napi::CallbackInfo& info);

  /// Queues a job: `work` runs on the command thread and returns a Result, which to_js() converts.
  template <class Work>
  Napi::Value submit(Napi::Env env, Napi::Function callback, Work work);
  void answer_finished(Napi::Env env);
  void hold_while_pending();

  // These run on the command thread.
  void run_jobs(WorkerThread& thread);
  std::unique_ptr<Job> next_after(std::unique_ptr<Job> finished, bool stopping);

  const std::optional<std::string> netns_;
  uint32_t last_number_ = 0;
  size_t pending_ = 0;
  bool referenced_ = true;
  bool closed_ = false;

  std::mutex mutex_;
  std::condition_variable idle_;
  bool running_ = false;
  std::deque<std::unique_ptr<Job>> waiting_;
  std::deque<std::unique_ptr<Job>> finished_;

  // It is the last member because its thread uses those above.
  Background background_;
};

}  // namespace mptcp::binding
