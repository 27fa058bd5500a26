// A netlink socket: requests with their acknowledgement, dumps, multicast groups. To be used by
// one thread at a time (kernel: net/netlink/af_netlink.c).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "core/netlink/message.h"
#include "core/netlink/reader.h"
#include "core/result.h"
#include "core/unique_fd.h"

namespace mptcp::netlink {

class Socket {
 public:
  using Handler = std::function<void(const MessageView&)>;
  using IndexedHandler = std::function<void(size_t, const MessageView&)>;
  /// Gives false to end a dump: the rest of it is read and dropped.
  using DumpHandler = std::function<bool(const MessageView&)>;

  /// Of NETLINK_GENERIC, NETLINK_ROUTE or NETLINK_SOCK_DIAG, in the calling thread's network
  /// namespace (see network_namespace.h for another one), with extended acknowledgements and strict
  /// checking where the kernel has them. `longest`: what a datagram can be, beyond which reading it
  /// is EMSGSIZE. The kernel takes memory for as much, up to 32 KiB, for each datagram of a dump.
  static Result<Socket> open(int protocol, size_t longest = kLongest);

  static constexpr size_t kLongest = 1 << 20;
  /// As the kernel makes them for whom has no more room (NLMSG_GOODSIZE): the fastest for short
  /// dumps.
  static constexpr size_t kShort = 8192 - 320;

  int fd() const { return fd_.get(); }

  /// Returns when the kernel has acknowledged; `reply` gets the messages that it answers before.
  /// The error has the kernel's text, the offending attribute and the missing one where it told.
  Result<void> request(Message& message, const Handler& reply = {});

  /// Many requests in few system calls. The kernel runs them in order, also past one that fails; a
  /// result for each. `reply` gets the index of the request besides. A reply of more than 64 KiB to
  /// one of many is EMSGSIZE.
  std::vector<Result<void>> pipeline(std::span<Message> messages, const IndexedHandler& reply = {});

  /// Streams a dump. When the kernel says that a change has interrupted it, `restart` is called,
  /// what `each` got so far is void, and the dump begins anew: at most kDumpAttempts times, then
  /// the error is EINTR.
  Result<void> dump(Message& message, const DumpHandler& each,
                    const std::function<void()>& restart);

  template <class T>
  using Decoder = std::function<Result<T>(const MessageView&)>;

  /// dump() of what `decode` makes of the messages; its error ends the dump.
  template <class T>
  Result<void> dump_decoded(Message& message, const Decoder<T>& decode,
                            const std::function<bool(T&&)>& each,
                            const std::function<void()>& restart) {
    std::optional<Error> malformed;
    auto dumped = dump(
        message,
        [&](const MessageView& view) {
          auto item = decode(view);
          if (!item) malformed = item.error();
          return item && each(*std::move(item));
        },
        restart);
    if (malformed) return *malformed;
    return dumped;
  }

  /// A short dump as a vector.
  template <class T>
  Result<std::vector<T>> list(Message& message, const Decoder<T>& decode) {
    std::vector<T> items;
    const auto collect = [&](T&& item) {
      items.push_back(std::move(item));
      return true;
    };
    auto dumped = dump_decoded<T>(message, decode, collect, [&] { items.clear(); });
    if (!dumped) return dumped.error();
    return items;
  }

  /// EPERM: the group wants a capability.
  Result<void> join(uint32_t group);

  /// Bytes that may wait unread before the kernel drops multicast messages and says ENOBUFS; beyond
  /// net.core.rmem_max with CAP_NET_ADMIN only. Gives what the kernel made of it.
  Result<int> set_receive_buffer(int bytes);

  /// Reads one datagram of multicast messages without blocking, and gives how many messages it
  /// held, 0 where nothing waits. ENOBUFS: messages were lost before this; the socket goes on.
  Result<size_t> receive(const Handler& each);

  static constexpr int kDumpAttempts = 10;

 private:
  Socket(UniqueFd fd, size_t longest);
  Result<void> send(Bytes bytes, const char* call) const;
  Result<Bytes> read_datagram(int flags, const char* call);
  Result<std::span<Bytes>> read_datagrams(size_t most, int flags, const char* call);
  void run_batch(std::span<Message> batch, size_t first, const IndexedHandler& reply,
                 std::vector<Result<void>>& results);
  Result<bool> dump_once(Message& message, const DumpHandler& each, bool& stopped);

  static constexpr size_t kMostDatagrams = 16;  // of one system call

  UniqueFd fd_;
  size_t longest_;
  std::unique_ptr<std::byte[]> buffer_;
  std::array<Bytes, kMostDatagrams> datagrams_;  // in the buffer
  uint32_t sequence_ = 0;
};

}  // namespace mptcp::netlink
