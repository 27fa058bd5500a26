// Runs the jobs of the class Commands on its thread and answers them on the JavaScript thread.
#include "binding/command_thread.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <utility>

#include "binding/arguments.h"
#include "binding/command_reader.h"
#include "binding/convert_netlink.h"
#include "binding/errors.h"
#include "binding/held_listener.h"
#include "binding/held_socket.h"
#include "binding/scope_resolver.h"
#include "core/denied_joins.h"
#include "core/held_socket.h"
#include "core/mptcp_pm.h"
#include "core/net_file.h"
#include "core/network_namespace.h"
#include "core/rtnetlink.h"
#include "core/uapi/mptcp_pm.h"

namespace mptcp::binding {

/// Holds the sockets of the command thread. Each is opened at its first use, and again after a
/// failure.
class CommandSession {
 public:
  CommandSession(WorkerThread& thread, Result<void> entered)
      : thread_(thread), entered_(std::move(entered)) {}

  /// Returns whether the thread has entered its network namespace.
  const Result<void>& entered() const { return entered_; }

  Result<pm::Client*> path_manager() {
    if (!path_manager_) {
      auto opened = pm::Client::open();
      if (!opened) return opened.error();
      path_manager_.emplace(std::move(*opened));
    }
    return &*path_manager_;
  }

  Result<netlink::Socket*> route() {
    if (!route_) {
      auto opened = rtnetlink::open();
      if (!opened) return opened.error();
      route_.emplace(std::move(*opened));
    }
    return &*route_;
  }

  template <class T>
  Result<Records> list(Result<std::vector<T>> (*dump)(netlink::Socket&)) {
    const auto socket = route();
    if (!socket) return socket.error();
    const auto listed = dump(**socket);
    if (!listed) return listed.error();
    return records_of(*listed);
  }

  bool stopping() const { return thread_.stopping(); }

 private:
  WorkerThread& thread_;
  const Result<void> entered_;
  std::optional<pm::Client> path_manager_;
  std::optional<netlink::Socket> route_;
};

static Napi::Value to_js(Napi::Env env, const std::string& text) {
  return Napi::String::New(env, text);
}

static Napi::Value to_js(Napi::Env env, const std::optional<std::string>& text) {
  return text ? to_js(env, *text) : env.Undefined();
}

static Napi::Value to_js(Napi::Env env, const std::optional<NameOwner>& owner) {
  if (!owner) return env.Undefined();
  auto object = Napi::Object::New(env);
  object.Set("pid", Napi::Number::New(env, owner->pid));
  object.Set("uid", Napi::Number::New(env, owner->uid));
  return object;
}

static Napi::Value to_js(Napi::Env env, const std::optional<bool>& answer) {
  return answer ? Napi::Boolean::New(env, *answer) : env.Undefined();
}

static Napi::Value to_js(Napi::Env env, const netlink::Family& family) {
  auto object = Napi::Object::New(env);
  object.Set("version", static_cast<double>(family.version));
  auto commands = Napi::Array::New(env, family.commands.size());
  for (uint32_t i = 0; i < family.commands.size(); ++i) {
    commands.Set(i, static_cast<double>(family.commands[i]));
  }
  object.Set("commands", commands);
  return object;
}

namespace {

// This many commands go to the kernel at once. A closing thread waits for them, and deleting an
// endpoint takes 8 ms.
constexpr size_t kBurst = 16;

// SET_FLAGS sets these flags, and clears those that are not given.
constexpr uint32_t kChangeableFlags = uapi::kMptcpPmAddrFlagBackup | uapi::kMptcpPmAddrFlagFullmesh;

// While jobs wait, the thread posts the answers of fast ones together, at this interval.
using Clock = std::chrono::steady_clock;
constexpr auto kPostInterval = std::chrono::microseconds(200);

// A process that exits waits for its jobs no longer than this.
constexpr auto kLongestDrain = std::chrono::seconds(5);

Error canceled(const char* call) { return {.code = ECANCELED, .call = call}; }

template <class Work>
class JobOf final : public Job {
 public:
  JobOf(uint32_t number, Napi::Function callback, Work work)
      : Job(number, callback), work_(std::move(work)) {}

  void run(CommandSession& session) override {
    if (session.entered()) {
      result_.emplace(work_(session));
    } else {
      result_.emplace(session.entered().error());
    }
  }

 private:
  using Outcome = std::invoke_result_t<Work, CommandSession&>;

  Napi::Value result(Napi::Env env) override {
    if constexpr (std::is_same_v<Outcome, Result<void>>) {
      throw_if_failed(env, *result_);
      return env.Undefined();
    } else {
      return to_js(env, value_or_throw(env, std::move(*result_)));
    }
  }

  Work work_;
  std::optional<Outcome> result_;
};

Result<std::vector<rtnetlink::Route>> list_routes(netlink::Socket& socket) {
  std::vector<rtnetlink::Route> routes;
  const auto listed = rtnetlink::routes(
      socket,
      [&](const rtnetlink::Route& route) {
        routes.push_back(route);
        return true;
      },
      [&] { routes.clear(); });
  if (!listed) return listed.error();
  return routes;
}

// Runs the commands in bursts; a closing thread ends after the current one.
Result<Records> run_commands(CommandSession& session, std::vector<pm::Command>& commands,
                             const InterfaceScopes& scopes) {
  const auto client = session.path_manager();
  if (!client) return client.error();
  if (const auto resolved = resolve_scopes(commands, scopes); !resolved) return resolved.error();
  Records replies;
  for (auto rest = std::span(commands); !rest.empty();) {
    const auto burst = rest.first(std::min(kBurst, rest.size()));
    rest = rest.subspan(burst.size());
    if (session.stopping()) {
      for (const auto& command : burst) {
        replies.add(Result<pm::Reply>(canceled(pm::command_name(command))));
      }
    } else {
      for (const auto& reply : (*client)->run(burst)) replies.add(reply);
    }
  }
  return replies;
}

// The next two are jobs of several commands, between which this thread runs no other one.

Result<Record> add_endpoint(CommandSession& session, pm::Endpoint endpoint,
                            const InterfaceScopes& scopes) {
  const auto client = session.path_manager();
  if (!client) return client.error();
  if (const auto resolved = resolve_scopes(endpoint, scopes); !resolved) return resolved.error();
  if (const auto added = (*client)->run(pm::AddEndpoint{endpoint}); !added) return added.error();
  const auto listed = (*client)->endpoints();
  if (!listed) return listed.error();
  // The kernel has at most one endpoint with an address and a port, on whatever interface.
  const auto same = [&](const pm::Endpoint& each) {
    return each.address.family == endpoint.address.family &&
           each.address.bytes == endpoint.address.bytes &&
           each.address.port == endpoint.address.port;
  };
  const auto found = std::find_if(listed->begin(), listed->end(), same);
  if (found != listed->end()) return record_of(*found);
  return Error{// another process has deleted it
               .code = EINVAL,
               .call = "MPTCP_PM_CMD_GET_ADDR",
               .extack = "address not found"};
}

Result<Record> update_endpoint(CommandSession& session, uint8_t id, uint32_t mask, uint32_t flags) {
  const auto client = session.path_manager();
  if (!client) return client.error();
  const auto before = (*client)->run(pm::GetEndpoint{.id = id});
  if (!before) return before.error();
  const uint32_t kept = std::get<pm::Endpoint>(*before).flags & kChangeableFlags & ~mask;
  const std::array<pm::Command, 2> commands{
      pm::SetEndpointFlags{.id = id, .address = {}, .flags = kept | flags},
      pm::GetEndpoint{.id = id}};
  const auto replies = (*client)->run(commands);
  for (const auto& reply : replies) {
    if (!reply) return reply.error();
  }
  return record_of(std::get<pm::Endpoint>(*replies.back()));
}

}  // namespace

void Job::cancel() { canceled_ = true; }

void Job::answer(Napi::Env env) {
  const Napi::HandleScope scope(env);
  std::vector<napi_value> arguments;
  try {
    if (canceled_) throw to_js_error(env, canceled("close"));
    const Napi::Value value = result(env);
    arguments = {env.Null(), value};
  } catch (const Napi::Error& error) {
    arguments = {error.Value()};
  }
  call_from_delivery(env, callback_.Value(), arguments);
}

Napi::Function CommandThread::define(Napi::Env env) {
  return DefineClass(
      env, "Commands",
      {
          InstanceAccessor<&CommandThread::get_thread_id>("threadId"),
          InstanceMethod<&CommandThread::run>("run"),
          InstanceMethod<&CommandThread::add_endpoint>("addEndpoint"),
          InstanceMethod<&CommandThread::update_endpoint_flags>("updateEndpointFlags"),
          InstanceMethod<&CommandThread::endpoints>("endpoints"),
          InstanceMethod<&CommandThread::links>("links"),
          InstanceMethod<&CommandThread::addresses>("addresses"),
          InstanceMethod<&CommandThread::routes>("routes"),
          InstanceMethod<&CommandThread::find_route>("findRoute"),
          InstanceMethod<&CommandThread::read_file>("readFile"),
          InstanceMethod<&CommandThread::write_file>("writeFile"),
          InstanceMethod<&CommandThread::listen>("listen"),
          InstanceMethod<&CommandThread::hold_setting>("holdSetting"),
          InstanceMethod<&CommandThread::hold_name>("holdName"),
          InstanceMethod<&CommandThread::name_owner>("nameOwner"),
          InstanceMethod<&CommandThread::namespace_cookie>("namespaceCookie"),
          InstanceMethod<&CommandThread::namespace_handle>("namespaceHandle"),
          InstanceMethod<&CommandThread::namespace_exists>("namespaceExists"),
          InstanceMethod<&CommandThread::family>("family"),
          InstanceMethod<&CommandThread::tells_denied_joins>("tellsDeniedJoins"),
          InstanceMethod<&CommandThread::cancel>("cancel"),
          InstanceMethod<&CommandThread::drain>("drain"),
          InstanceMethod<&CommandThread::ref>("ref"),
          InstanceMethod<&CommandThread::unref>("unref"),
          InstanceMethod<&CommandThread::close>("close"),
      });
}

CommandThread::CommandThread(const Napi::CallbackInfo& info)
    : ObjectWrap(info),
      netns_(Argument(info, 0, "netns").optional_text()),
      background_(info.Env(), Value(),
                  {.name = "mptcp-commands",
                   .run = [this](WorkerThread& thread) { run_jobs(thread); },
                   .deliver = [this](Napi::Env env) { answer_finished(env); }}) {}

Napi::Value CommandThread::get_thread_id(const Napi::CallbackInfo& info) {
  return background_.thread_id(info.Env());
}

Napi::Value CommandThread::run(const Napi::CallbackInfo& info) {
  std::vector<pm::Command> commands;
  InterfaceScopes scopes;
  Argument(info, 0, "commands").for_each([&](const Argument& command) {
    commands.push_back(read_command(command, scopes));
  });
  return submit(info.Env(), Argument(info, 1, "callback").function(),
                [commands = std::move(commands), scopes](CommandSession& session) mutable {
                  return run_commands(session, commands, scopes);
                });
}

Napi::Value CommandThread::add_endpoint(const Napi::CallbackInfo& info) {
  InterfaceScopes scopes;
  const auto endpoint = read_endpoint(Argument(info, 0, "endpoint"), scopes);
  return submit(info.Env(), Argument(info, 1, "callback").function(),
                [endpoint, scopes](CommandSession& session) {
                  return mptcp::binding::add_endpoint(session, endpoint, scopes);
                });
}

Napi::Value CommandThread::update_endpoint_flags(const Napi::CallbackInfo& info) {
  return submit(info.Env(), Argument(info, 3, "callback").function(),
                [id = Argument(info, 0, "id").integer<uint8_t>(),
                 mask = Argument(info, 1, "mask").integer<uint32_t>(),
                 flags = Argument(info, 2, "flags").integer<uint32_t>()](CommandSession& session) {
                  return update_endpoint(session, id, mask, flags);
                });
}

Napi::Value CommandThread::endpoints(const Napi::CallbackInfo& info) {
  const auto token = Argument(info, 0, "token").optional_integer<uint32_t>();
  return submit(info.Env(), Argument(info, 1, "callback").function(),
                [token](CommandSession& session) -> Result<Records> {
                  const auto client = session.path_manager();
                  if (!client) return client.error();
                  const auto endpoints = (*client)->endpoints(token);
                  if (!endpoints) return endpoints.error();
                  return records_of(*endpoints);
                });
}

Napi::Value CommandThread::links(const Napi::CallbackInfo& info) {
  return submit(info.Env(), Argument(info, 0, "callback").function(),
                [](CommandSession& session) { return session.list(rtnetlink::links); });
}

Napi::Value CommandThread::addresses(const Napi::CallbackInfo& info) {
  return submit(info.Env(), Argument(info, 0, "callback").function(),
                [](CommandSession& session) { return session.list(rtnetlink::addresses); });
}

Napi::Value CommandThread::routes(const Napi::CallbackInfo& info) {
  return submit(info.Env(), Argument(info, 0, "callback").function(),
                [](CommandSession& session) { return session.list(list_routes); });
}

Napi::Value CommandThread::find_route(const Napi::CallbackInfo& info) {
  InterfaceScopes scopes;
  const Address destination = read_address(Argument(info, 0, "destination"), 0, scopes);
  const auto source = read_optional_address(Argument(info, 1, "source"), scopes);
  if (source && destination.family != source->family) {
    throw Napi::RangeError::New(info.Env(), "destination and source must be of one family");
  }
  return submit(
      info.Env(), Argument(info, 3, "callback").function(),
      [destination, source, interface = Argument(info, 2, "interface").integer<int32_t>()](
          CommandSession& session) -> Result<Record> {
        const auto socket = session.route();
        if (!socket) return socket.error();
        const auto route = rtnetlink::find_route(**socket, destination, source, interface);
        if (!route) return route.error();
        return record_of(*route);
      });
}

Napi::Value CommandThread::read_file(const Napi::CallbackInfo& info) {
  return submit(
      info.Env(), Argument(info, 1, "callback").function(),
      [path = Argument(info, 0, "path").text()](CommandSession&) { return read_net_file(path); });
}

Napi::Value CommandThread::write_file(const Napi::CallbackInfo& info) {
  return submit(
      info.Env(), Argument(info, 2, "callback").function(),
      [path = Argument(info, 0, "path").text(), value = Argument(info, 1, "value").text()](
          CommandSession&) { return write_net_file(path, value); });
}

Napi::Value CommandThread::listen(const Napi::CallbackInfo& info) {
  InterfaceScopes scopes;
  const auto port = Argument(info, 1, "port").integer<uint16_t>();
  Address address = read_address(Argument(info, 0, "address"), port, scopes);
  return submit(
      info.Env(), Argument(info, 2, "callback").function(),
      [address, scopes](CommandSession&) mutable -> Result<std::shared_ptr<HeldListener>> {
        if (const auto resolved = resolve_scopes(address, scopes); !resolved) {
          return resolved.error();
        }
        return HeldListener::open(address);
      });
}

Napi::Value CommandThread::hold_setting(const Napi::CallbackInfo& info) {
  return submit(
      info.Env(), Argument(info, 3, "callback").function(),
      [path = Argument(info, 0, "path").text(), former = Argument(info, 1, "former").text(),
       record = Argument(info, 2, "record").optional_text()](CommandSession&) {
        return HeldSetting::open(path, former, record);
      });
}

Napi::Value CommandThread::hold_name(const Napi::CallbackInfo& info) {
  return submit(info.Env(), Argument(info, 1, "callback").function(),
                [name = Argument(info, 0, "name").text()](
                    CommandSession&) -> Result<std::shared_ptr<HeldListener>> {
                  auto fd = hold_abstract_name(name);
                  if (!fd) return fd.error();
                  return HeldListener::serve(std::move(*fd));
                });
}

Napi::Value CommandThread::name_owner(const Napi::CallbackInfo& info) {
  return submit(info.Env(), Argument(info, 1, "callback").function(),
                [name = Argument(info, 0, "name").text()](CommandSession&) {
                  return abstract_name_owner(name);
                });
}

Napi::Value CommandThread::namespace_cookie(const Napi::CallbackInfo& info) {
  return submit(info.Env(), Argument(info, 0, "callback").function(),
                [](CommandSession&) { return network_namespace_cookie(); });
}

Napi::Value CommandThread::namespace_handle(const Napi::CallbackInfo& info) {
  return submit(info.Env(), Argument(info, 0, "callback").function(),
                [](CommandSession&) { return network_namespace_handle(); });
}

Napi::Value CommandThread::namespace_exists(const Napi::CallbackInfo& info) {
  return submit(info.Env(), Argument(info, 1, "callback").function(),
                [handle = Argument(info, 0, "handle").text()](
                    CommandSession&) -> Result<std::optional<bool>> {
                  const auto exists = network_namespace_exists(handle);
                  if (!exists) return exists.error();
                  return std::optional(*exists);
                });
}

Napi::Value CommandThread::family(const Napi::CallbackInfo& info) {
  return submit(info.Env(), Argument(info, 0, "callback").function(),
                [](CommandSession& session) -> Result<netlink::Family> {
                  const auto client = session.path_manager();
                  if (!client) return client.error();
                  return (*client)->family();
                });
}

Napi::Value CommandThread::tells_denied_joins(const Napi::CallbackInfo& info) {
  return submit(info.Env(), Argument(info, 0, "callback").function(),
                [](CommandSession&) -> Result<std::optional<bool>> {
                  return pm::events_report_denied_joins();
                });
}

Napi::Value CommandThread::cancel(const Napi::CallbackInfo& info) {
  const auto number = Argument(info, 0, "job").integer<uint32_t>();
  std::unique_ptr<Job> dropped;
  {
    const std::lock_guard lock(mutex_);
    const auto job = std::find_if(waiting_.begin(), waiting_.end(),
                                  [&](const auto& each) { return each->number() == number; });
    if (job == waiting_.end()) return Napi::Boolean::New(info.Env(), false);
    dropped = std::move(*job);
    waiting_.erase(job);
  }
  --pending_;
  hold_while_pending();
  return Napi::Boolean::New(info.Env(), true);
}

void CommandThread::drain(const Napi::CallbackInfo& info) {
  {
    std::unique_lock lock(mutex_);
    idle_.wait_for(lock, kLongestDrain, [this] { return waiting_.empty() && !running_; });
  }
  answer_finished(info.Env());
}

void CommandThread::ref(const Napi::CallbackInfo&) {
  referenced_ = true;
  hold_while_pending();
}

void CommandThread::unref(const Napi::CallbackInfo&) {
  referenced_ = false;
  hold_while_pending();
}

void CommandThread::close(const Napi::CallbackInfo& info) {
  const auto closed = Argument(info, 0, "closed").optional_function();
  closed_ = true;
  {
    const std::lock_guard lock(mutex_);
    for (auto& job : waiting_) {
      job->cancel();
      finished_.push_back(std::move(job));
    }
    waiting_.clear();
  }
  background_.close(closed);
}

template <class Work>
Napi::Value CommandThread::submit(Napi::Env env, Napi::Function callback, Work work) {
  auto job = std::make_unique<JobOf<Work>>(++last_number_, callback, std::move(work));
  const uint32_t number = job->number();
  ++pending_;
  hold_while_pending();
  bool idle = false;
  {
    const std::lock_guard lock(mutex_);
    if (closed_) {
      job->cancel();
      finished_.push_back(std::move(job));
    } else {
      idle = waiting_.empty();
      waiting_.push_back(std::move(job));
    }
  }
  if (closed_) {
    background_.post();
  } else if (idle) {
    background_.wake();
  }
  return Napi::Number::New(env, number);
}

void CommandThread::answer_finished(Napi::Env env) {
  std::deque<std::unique_ptr<Job>> finished;
  {
    const std::lock_guard lock(mutex_);
    finished.swap(finished_);
  }
  for (const auto& job : finished) job->answer(env);
  pending_ -= finished.size();
  hold_while_pending();
}

void CommandThread::hold_while_pending() {
  background_.hold(pending_ > 0, pending_ > 0 && referenced_);
}

void CommandThread::run_jobs(WorkerThread& thread) {
  CommandSession session(thread, netns_ ? enter_network_namespace(*netns_) : Result<void>());
  do {
    auto last_post = Clock::now();
    std::unique_ptr<Job> job;
    while ((job = next_after(std::move(job), thread.stopping()))) {
      if (const auto now = Clock::now(); now - last_post > kPostInterval) {
        last_post = now;
        background_.post();
      }
      job->run(session);
    }
    background_.post();
  } while (thread.wait());
}

std::unique_ptr<Job> CommandThread::next_after(std::unique_ptr<Job> finished, bool stopping) {
  const std::lock_guard lock(mutex_);
  if (finished) finished_.push_back(std::move(finished));
  std::unique_ptr<Job> next;
  if (!stopping && !waiting_.empty()) {
    next = std::move(waiting_.front());
    waiting_.pop_front();
  }
  running_ = next != nullptr;
  if (!running_) idle_.notify_all();
  return next;
}

}  // namespace mptcp::binding
