// Commands: a thread that runs jobs one after the other, so that no netlink call and no file is
// waited for on the event loop (types/native.d.ts, NativeCommands).
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

/// Made, answered and destroyed on the JavaScript thread, run on the command thread.
class Job {
 public:
  explicit Job(uint32_t number, Napi::Function callback)
      : number_(number), callback_(Napi::Persistent(callback)) {}
  virtual ~Job() = default;

  uint32_t number() const { return number_; }

  /// On the command thread.
  virtual void run(CommandSession& session) = 0;

  void cancel();
  void answer(Napi::Env env);

 protected:
  /// What run() has found; throws what has failed.
  virtual Napi::Value result(Napi::Env env) = 0;

 private:
  const uint32_t number_;
  bool canceled_ = false;
  Napi::FunctionReference callback_;
};

class CommandThread : public Napi::ObjectWrap<CommandThread> {
 public:
  static Napi::Function define(Napi::Env env);

  explicit CommandThread(const Napi::CallbackInfo& info);

 private:
  // On the JavaScript thread.
  Napi::Value get_thread_id(const Napi::CallbackInfo& info);
  Napi::Value run(const Napi::CallbackInfo& info);
  Napi::Value add_endpoint(const Napi::CallbackInfo& info);
  Napi::Value update_endpoint_flags(const Napi::CallbackInfo& info);
  Napi::Value endpoints(const Napi::CallbackInfo& info);
  Napi::Value links(const Napi::CallbackInfo& info);
  Napi::Value addresses(const Napi::CallbackInfo& info);
  Napi::Value routes(const Napi::CallbackInfo& info);
  Napi::Value read_file(const Napi::CallbackInfo& info);
  Napi::Value write_file(const Napi::CallbackInfo& info);
  Napi::Value listen(const Napi::CallbackInfo& info);
  Napi::Value hold_setting(const Napi::CallbackInfo& info);
  Napi::Value hold_name(const Napi::CallbackInfo& info);
  Napi::Value name_owner(const Napi::CallbackInfo& info);
  Napi::Value family(const Napi::CallbackInfo& info);
  Napi::Value tells_denied_joins(const Napi::CallbackInfo& info);
  Napi::Value cancel(const Napi::CallbackInfo& info);
  void drain(const Napi::CallbackInfo& info);
  void ref(const Napi::CallbackInfo& info);
  void unref(const Napi::CallbackInfo& info);
  void close(const Napi::CallbackInfo& info);

  /// `work` gives a Result of a CommandSession on the command thread; to_js makes it a value.
  template <class Work>
  Napi::Value submit(Napi::Env env, Napi::Function callback, Work work);
  void answer_finished(Napi::Env env);
  void hold_while_pending();

  // On the command thread.
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

  // The last: its thread uses what stands above.
  Background background_;
};

}  // namespace mptcp::binding
