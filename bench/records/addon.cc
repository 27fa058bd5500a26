// Converts made-up connections, events and sockets to JavaScript by the conversions of
// native/binding. It is the addon of bench/records.ts, compiled once for each contender.
#include <arpa/inet.h>
#include <napi.h>

#include <memory>
#include <string>

#include "binding/convert_netlink.h"
#include "contender.h"
#include "core/uapi/inet_diag.h"

namespace mptcp::binding {
namespace {

Address address(uint32_t number, uint16_t port) {
  const uint32_t bytes[] = {htonl(0x0a000000 + number)};
  return from_bytes(AF_INET, bytes, port);
}

MptcpInfo mptcp_info(uint32_t i) {
  MptcpInfo info;
  info.length = sizeof(info.value);
  info.value.token = 2'000'000'000 + i;
  info.value.subflows = 1;
  info.value.write_seq = 0x9e3779b97f4a7c15 * (i + 1);
  info.value.snd_una = info.value.write_seq;
  info.value.rcv_nxt = ~info.value.write_seq;
  info.value.bytes_sent = uint64_t{i} << 20;
  info.value.bytes_received = uint64_t{i} << 13;
  return info;
}

TcpInfo tcp_info(uint32_t i) {
  TcpInfo info;
  info.length = 248;  // the core reads no fields beyond
  info.value.state = 1;
  info.value.rto = 204'000;
  info.value.rtt = 10'000 + i;
  info.value.snd_cwnd = 10;
  info.value.pacing_rate = 1'000'000 + i;
  info.value.bytes_acked = uint64_t{i} << 20;
  info.value.delivery_rate = 900'000 + i;
  return info;
}

void fill(sock_diag::Socket& socket, uint32_t i) {
  socket.state = 1;
  socket.local = address(1, 443);
  socket.remote = address(2 + i / 16, static_cast<uint16_t>(40'000 + i));
  socket.uid = 1000;
  socket.inode = 100'000 + i;
}

void make(sock_diag::Connection& connection, uint32_t i) {
  fill(connection, i);
  connection.token = 2'000'000'000 + i;
  connection.info = mptcp_info(i);
}

// Each connection has two.
void make(sock_diag::Subflow& subflow, uint32_t i) {
  fill(subflow, i);
  subflow.token = 2'000'000'000 + i / 2;
  subflow.remote_token = 3'000'000'000 + i / 2;
  subflow.flags = uapi::kMptcpSubflowFlagConnected;
  subflow.local_id = static_cast<uint8_t>(i % 2);
  subflow.remote_id = 0;
  subflow.tcp_info = std::make_unique<TcpInfo>(tcp_info(i));
}

void make(pm::Event& event, uint32_t i) {
  event.type = uapi::kMptcpEventSubEstablished;
  event.token = 2'000'000'000 + i;
  event.family = AF_INET;
  event.local_id = 1;
  event.remote_id = 0;
  event.local = address(1, 443);
  event.remote = address(2 + i / 16, static_cast<uint16_t>(40'000 + i));
  event.backup = false;
  event.interface = 2;
}

void make(pm::Endpoint& endpoint, uint32_t i) {
  endpoint = {.address = address(i, 0), .id = static_cast<uint8_t>(i), .flags = 2, .interface = 2};
}

void make(FullInfo& full, uint32_t i) {
  full.info = mptcp_info(i);
  for (uint32_t id = 1; id <= 2; ++id) {
    full.subflows.push_back({{id, address(1, 443), address(id, 40'000)}, tcp_info(i)});
  }
}

// write(first, count) does the work of a thread and returns its batch; read() converts a batch.
template <class T>
Napi::Object functions(Napi::Env env) {
  using Batch = Contender<T>;
  auto object = Napi::Object::New(env);
  object.Set("write", Napi::Function::New(env, [](const Napi::CallbackInfo& info) -> Napi::Value {
               const auto first = info[0].As<Napi::Number>().Uint32Value();
               const auto count = info[1].As<Napi::Number>().Uint32Value();
               auto batch = std::make_unique<Batch>();
               for (uint32_t i = first; i < first + count; ++i) {
                 T item;
                 make(item, i);
                 batch->add(std::move(item));
               }
               return Napi::External<Batch>::New(info.Env(), batch.release());
             }));
  object.Set("read", Napi::Function::New(env, [](const Napi::CallbackInfo& info) {
               const std::unique_ptr<Batch> batch(info[0].As<Napi::External<Batch>>().Data());
               return batch->to_js(info.Env());
             }));
  return object;
}

}  // namespace
}  // namespace mptcp::binding

static Napi::Object init(Napi::Env env, Napi::Object exports) {
  using namespace mptcp;
  using mptcp::binding::functions;
  exports.Set("connections", functions<sock_diag::Connection>(env));
  exports.Set("subflows", functions<sock_diag::Subflow>(env));
  exports.Set("events", functions<pm::Event>(env));
  exports.Set("endpoints", functions<pm::Endpoint>(env));
  exports.Set("sockets", functions<FullInfo>(env));
  return exports;
}

NODE_API_MODULE(bench, init)
