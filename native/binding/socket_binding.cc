// Exports functions that work on the file descriptors of sockets.
#include "binding/socket_binding.h"

#include <cerrno>
#include <string>
#include <utility>

#include "binding/convert.h"
#include "binding/errors.h"
#include "binding/lingering_sockets.h"
#include "core/congestion_rule.h"
#include "core/socket_handover.h"
#include "core/socket_options.h"

struct uv_loop_s;
// Node exports libuv, but node-api-headers has no uv.h.
extern "C" int uv_backend_fd(const uv_loop_s* loop);

namespace mptcp::binding {
namespace {

int to_int(const Napi::CallbackInfo& info, size_t index) {
  return info[index].As<Napi::Number>().Int32Value();
}

int loop_epoll_fd(Napi::Env env) {
  uv_loop_s* loop = nullptr;
  if (napi_get_uv_event_loop(env, &loop) != napi_ok) throw Napi::Error::New(env);
  return uv_backend_fd(loop);
}

bool is_out_of_files(int code) { return code == EMFILE || code == ENFILE; }

Napi::Value open_socket(const Napi::CallbackInfo& info) {
  const sa_family_t family = to_int(info, 0) == 6 ? AF_INET6 : AF_INET;
  auto& lingering = LingeringSockets::of_process();
  auto opened = open_mptcp_socket(family);
  while (!opened && is_out_of_files(opened.error().code) && lingering.give_up_oldest()) {
    opened = open_mptcp_socket(family);
  }
  UniqueFd fd = value_or_throw(info.Env(), std::move(opened));
  return Napi::Number::New(info.Env(), fd.release());
}

void close_socket(const Napi::CallbackInfo& info) { UniqueFd closed(to_int(info, 0)); }

Napi::Value is_mptcp(const Napi::CallbackInfo& info) {
  const auto result = speaks_mptcp(to_int(info, 0));
  if (result) return Napi::Boolean::New(info.Env(), *result);
  if (result.error().code == ENOTSUP) return info.Env().Undefined();
  throw to_js_error(info.Env(), result.error());
}

// Calls a function of the core that returns whether something holds for a descriptor.
template <auto kAsk>
Napi::Value ask(const Napi::CallbackInfo& info) {
  return Napi::Boolean::New(info.Env(), value_or_throw(info.Env(), kAsk(to_int(info, 0))));
}

// The number of PathHealth; undefined where the connection uses TCP.
Napi::Value path_health(const Napi::CallbackInfo& info) {
  const auto health = read_path_health(to_int(info, 0));
  if (!health) return info.Env().Undefined();
  return Napi::Number::New(info.Env(), static_cast<int>(*health));
}

// Calls a function of the core that reads an object from a descriptor.
template <auto kRead>
Napi::Value read(const Napi::CallbackInfo& info) {
  return to_js(info.Env(), record_of(value_or_throw(info.Env(), kRead(to_int(info, 0)))));
}

void set_option(const Napi::CallbackInfo& info) {
  const OptionValue value = info[2].IsString() ? OptionValue(info[2].As<Napi::String>().Utf8Value())
                                               : OptionValue(to_int(info, 2));
  const std::string name = info[1].As<Napi::String>();
  throw_if_failed(info.Env(), set_socket_option(to_int(info, 0), name, value));
}

Napi::Value get_option(const Napi::CallbackInfo& info) {
  const std::string name = info[1].As<Napi::String>();
  const auto value = value_or_throw(info.Env(), get_socket_option(to_int(info, 0), name));
  if (const auto* text = std::get_if<std::string>(&value)) {
    return Napi::String::New(info.Env(), *text);
  }
  return Napi::Number::New(info.Env(), std::get<int>(value));
}

void replace_connecting_socket(const Napi::CallbackInfo& info) {
  throw_if_failed(info.Env(),
                  replace_connecting(loop_epoll_fd(info.Env()), to_int(info, 0), to_int(info, 1)));
}

// Env has no identity of its own; the napi_env under it has.
LingeringSockets::Owner owner_of(Napi::Env env) { return static_cast<napi_env>(env); }

void keep_after_close(const Napi::CallbackInfo& info) {
  auto& lingering = LingeringSockets::of_process();
  throw_if_failed(info.Env(), lingering.keep(to_int(info, 0), owner_of(info.Env())));
}

void make_room(const Napi::CallbackInfo&) { LingeringSockets::of_process().make_room(); }

void leave_lingering(void* env) { LingeringSockets::of_process().leave(env); }

}  // namespace

void register_socket_functions(Napi::Env env, Napi::Object exports) {
  exports.Set("openSocket", Napi::Function::New<open_socket>(env));
  exports.Set("closeSocket", Napi::Function::New<close_socket>(env));
  exports.Set("isMptcp", Napi::Function::New<is_mptcp>(env));
  exports.Set("pathHealth", Napi::Function::New<path_health>(env));
  exports.Set("mptcpInfo", Napi::Function::New<read<read_mptcp_info>>(env));
  exports.Set("tcpInfo", Napi::Function::New<read<read_tcp_info>>(env));
  exports.Set("collapsing", kCollapsing);
  exports.Set("instead", kInstead);
  exports.Set("forestallCollapse", Napi::Function::New<ask<forestall_collapse>>(env));
  exports.Set("settleCollapse", Napi::Function::New<ask<settle_collapse>>(env));
  exports.Set("subflowTcpInfo", Napi::Function::New<read<read_subflow_tcp_info>>(env));
  exports.Set("subflowAddresses", Napi::Function::New<read<read_subflow_addresses>>(env));
  exports.Set("subflows", Napi::Function::New<read<read_subflows>>(env));
  exports.Set("fullInfo", Napi::Function::New<read<read_full_info>>(env));
  exports.Set("setOption", Napi::Function::New<set_option>(env));
  exports.Set("getOption", Napi::Function::New<get_option>(env));
  exports.Set("replaceConnecting", Napi::Function::New<replace_connecting_socket>(env));
  exports.Set("keepAfterClose", Napi::Function::New<keep_after_close>(env));
  exports.Set("makeRoom", Napi::Function::New<make_room>(env));
  LingeringSockets::of_process().enter();
  napi_add_env_cleanup_hook(env, leave_lingering, static_cast<napi_env>(env));
}

}  // namespace mptcp::binding
