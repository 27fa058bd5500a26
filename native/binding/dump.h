// Streams a dump of sock_diag to JavaScript from a thread, which waits while no call of next() is
// pending (types/native.d.ts, NativeDump).
#pragma once

#include <napi.h>

#include <cerrno>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "binding/arguments.h"
#include "binding/background.h"
#include "binding/convert_netlink.h"
#include "binding/errors.h"
#include "core/network_namespace.h"
#include "core/sock_diag.h"

namespace mptcp::binding {

/// A `Source` has a type Item; kClass and kThread, the names of the class and the thread; a
/// constructor that reads the arguments after the namespace; and run(), a dump of core/sock_diag.h.
template <class Source>
class Dump : public Napi::ObjectWrap<Dump<Source>> {
 public:
  static Napi::Function define(Napi::Env env) {
    return Dump::DefineClass(env, Source::kClass,
                             {
                                 Dump::template InstanceAccessor<&Dump::get_thread_id>("threadId"),
                                 Dump::template InstanceMethod<&Dump::next>("next"),
                                 Dump::template InstanceMethod<&Dump::close>("close"),
                             });
  }

  explicit Dump(const Napi::CallbackInfo& info)
      : Napi::ObjectWrap<Dump>(info),
        netns_(Argument(info, 0, "netns").optional_text()),
        source_(info),
        background_(info.Env(), this->Value(),
                    {.name = Source::kThread,
                     .run = [this](WorkerThread& thread) { run(thread); },
                     .deliver = [this](Napi::Env env) { answer(env); }}) {}

 private:
  // A batch is small, so that its conversion is a short turn of the event loop.
  static constexpr size_t kBatch = 128;
  // The kernel's dump is slower than JavaScript, so that the thread seldom waits for room.
  static constexpr size_t kBatchesAhead = 16;

  struct Batch {
    Records items;
    bool restarted = false;
  };

  // These run on the JavaScript thread.

  Napi::Value get_thread_id(const Napi::CallbackInfo& info) {
    return background_.thread_id(info.Env());
  }

  void next(const Napi::CallbackInfo& info) {
    callbacks_.push_back(Napi::Persistent(Argument(info, 0, "callback").function()));
    background_.hold(true, true);
    background_.post();
  }

  void close(const Napi::CallbackInfo& info) {
    const auto closed = Argument(info, 0, "closed").optional_function();
    closed_ = true;
    background_.post();
    background_.close(closed);
  }

  void answer(Napi::Env env) {
    while (!callbacks_.empty()) {
      const Napi::HandleScope scope(env);
      const auto answer = next_answer(env);
      if (!answer) break;
      const auto callback = std::move(callbacks_.front());
      callbacks_.pop_front();
      call_from_delivery(env, callback.Value(), *answer);
    }
    background_.hold(!callbacks_.empty(), !callbacks_.empty());
  }

  // Returns the arguments of the next callback, or nothing if the thread has no batch yet.
  std::optional<std::vector<napi_value>> next_answer(Napi::Env env) {
    if (closed_) {
      return std::vector<napi_value>{
          to_js_error(env, {.code = ECANCELED, .call = "close"}).Value()};
    }
    std::unique_lock lock(mutex_);
    if (!ready_.empty()) {
      const Batch batch = std::move(ready_.front());
      ready_.pop_front();
      lock.unlock();
      background_.wake();
      auto object = Napi::Object::New(env);
      object.Set("batch", to_js(env, batch.items));
      object.Set("restarted", batch.restarted);
      return std::vector<napi_value>{env.Null(), object};
    }
    if (!ended_) return std::nullopt;
    if (const auto failure = std::exchange(failure_, std::nullopt)) {
      return std::vector<napi_value>{to_js_error(env, *failure).Value()};
    }
    return std::vector<napi_value>{env.Null(), env.Undefined()};
  }

  // These run on the thread.

  void run(WorkerThread& thread) {
    const auto dumped = dump(thread);
    const std::lock_guard lock(mutex_);
    ended_ = true;
    if (!dumped) failure_ = dumped.error();
  }

  Result<void> dump(WorkerThread& thread) {
    if (netns_) {
      if (auto entered = enter_network_namespace(*netns_); !entered) return entered;
    }
    auto socket = sock_diag::open();
    if (!socket) return socket.error();
    Records items;
    bool restarted = false;
    const auto hand_over = [&] {
      return put(thread, {std::exchange(items, {}), std::exchange(restarted, false)});
    };
    auto dumped = source_.run(
        *socket,
        [&](const typename Source::Item& item) {
          items.add(item);
          return items.size() < kBatch ? !thread.stopping() : hand_over();
        },
        [&] {
          items = {};
          restarted = true;
          const std::lock_guard lock(mutex_);
          ready_.clear();
        });
    if (items.size() > 0 || restarted) hand_over();
    return dumped;
  }

  // Waits until there is room. Returns false if the thread must stop.
  bool put(WorkerThread& thread, Batch batch) {
    while (!put_where_there_is_room(batch)) {
      if (!thread.wait()) return false;
    }
    background_.post();
    return !thread.stopping();
  }

  bool put_where_there_is_room(Batch& batch) {
    const std::lock_guard lock(mutex_);
    if (ready_.size() == kBatchesAhead) return false;
    ready_.push_back(std::move(batch));
    return true;
  }

  const std::optional<std::string> netns_;
  Source source_;
  std::deque<Napi::FunctionReference> callbacks_;
  bool closed_ = false;

  std::mutex mutex_;
  std::deque<Batch> ready_;
  bool ended_ = false;
  std::optional<Error> failure_;

  // It is the last member because its thread uses those above.
  Background background_;
};

}  // namespace mptcp::binding
