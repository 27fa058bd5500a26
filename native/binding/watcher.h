// Reads a multicast socket on a thread and delivers batches to JavaScript (types/native.d.ts,
// NativeWatcher). A slow JavaScript thread never stalls it: items beyond the queue's limit are
// counted and dropped.
#pragma once

#include <napi.h>

#include <cerrno>
#include <optional>
#include <string>

#include "binding/arguments.h"
#include "binding/background.h"
#include "binding/convert_netlink.h"
#include "binding/errors.h"
#include "binding/inbox.h"
#include "core/netlink/socket.h"
#include "core/network_namespace.h"

namespace mptcp::binding {

/// A `Source` has a type Item; kClass and kThread, the names of the class and the thread; open(),
/// which opens the socket and joins its groups; and decode(), which returns the Item of a message,
/// or nothing for a message about something else.
template <class Source>
class Watcher : public Napi::ObjectWrap<Watcher<Source>> {
 public:
  static Napi::Function define(Napi::Env env) {
    return Watcher::DefineClass(
        env, Source::kClass,
        {
            Watcher::template InstanceAccessor<&Watcher::get_thread_id>("threadId"),
            Watcher::template InstanceMethod<&Watcher::ref>("ref"),
            Watcher::template InstanceMethod<&Watcher::unref>("unref"),
            Watcher::template InstanceMethod<&Watcher::close>("close"),
        });
  }

  explicit Watcher(const Napi::CallbackInfo& info)
      : Napi::ObjectWrap<Watcher>(info),
        netns_(Argument(info, 0, "netns").optional_text()),
        receive_buffer_(
            Argument(info, 1, "options")["receiveBuffer"].template optional_integer<int>()),
        inbox_(Argument(info, 1, "options")["queue"].template integer<uint32_t>()),
        deliver_(Napi::Persistent(Argument(info, 2, "deliver").function())),
        background_(info.Env(), this->Value(),
                    {.name = Source::kThread,
                     .run = [this](WorkerThread& thread) { read(thread); },
                     .deliver = [this](Napi::Env env) { deliver(env); }}) {
    background_.hold(true, false);
  }

 private:
  // These run on the JavaScript thread.

  Napi::Value get_thread_id(const Napi::CallbackInfo& info) {
    return background_.thread_id(info.Env());
  }
  void ref(const Napi::CallbackInfo&) { background_.hold(open(), open()); }
  void unref(const Napi::CallbackInfo&) { background_.hold(open(), false); }

  void close(const Napi::CallbackInfo& info) {
    const auto closed = Argument(info, 0, "closed").optional_function();
    release();
    background_.close(closed);
  }

  bool open() const { return !deliver_.IsEmpty(); }

  // `deliver` may refer to this watcher; from here on both can be garbage.
  void release() {
    deliver_.Reset();
    background_.hold(false, false);
  }

  // Delivers one batch in each turn of the event loop.
  void deliver(Napi::Env env) {
    const auto [batch, failure, more] = inbox_.next();
    if (!open()) return;
    if (more) background_.post();
    if (batch) {
      call_from_delivery(env, deliver_.Value(),
                         {env.Null(), to_js(env, batch->items),
                          Napi::Number::New(env, static_cast<double>(batch->lost))});
    } else if (failure) {
      const auto last = deliver_.Value();
      release();
      call_from_delivery(
          env, last,
          {to_js_error(env, *failure).Value(), Napi::Array::New(env), Napi::Number::New(env, 0)});
    }
  }

  // These run on the thread.

  void read(WorkerThread& thread) {
    if (auto read = read_until_stopped(thread); !read) inbox_.fail(read.error());
  }

  Result<void> read_until_stopped(WorkerThread& thread) {
    if (netns_) {
      if (auto entered = enter_network_namespace(*netns_); !entered) return entered;
    }
    auto socket = Source::open();
    if (!socket) return socket.error();
    if (receive_buffer_) {
      if (const auto set = socket->set_receive_buffer(*receive_buffer_); !set) return set.error();
    }
    inbox_.open();
    background_.post();
    while (thread.wait(socket->fd())) {
      if (auto read = read_waiting(thread, *socket); !read) return read;
    }
    return {};
  }

  Result<void> read_waiting(const WorkerThread& thread, netlink::Socket& socket) {
    // The kernel reports a loss before the messages that it still has from before the loss, and
    // drops new ones until those are read.
    bool overrun = false;
    while (!thread.stopping()) {
      const auto received =
          socket.receive([this](const netlink::MessageView& message) { handle(message); });
      const int error = received ? 0 : received.error().code;
      const bool all_read = received && *received == 0;
      if (overrun && (all_read || error == ENOBUFS)) {
        inbox_.lose(kUnknownLoss);
        overrun = false;
        background_.post();
      }
      if (all_read) return {};
      if (error == ENOBUFS) {
        overrun = true;
      } else if (error == EMSGSIZE || error == EBADMSG) {
        inbox_.lose(1);
      } else if (error != 0) {
        return received.error();
      }
      background_.post();
    }
    return {};
  }

  void handle(const netlink::MessageView& message) {
    const auto item = Source::decode(message);
    if (!item) {
      inbox_.lose(1);
    } else if (*item) {
      inbox_.put(**item);
    }
  }

  const std::optional<std::string> netns_;
  const std::optional<int> receive_buffer_;
  Inbox inbox_;
  Napi::FunctionReference deliver_;
  // It is the last member because its thread uses those above.
  Background background_;
};

}  // namespace mptcp::binding
