// Sends requests and dumps over a netlink socket and receives multicast messages (kernel:
// net/netlink/af_netlink.c). One thread at a time may use a socket.
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
  /// Returns false to end a dump, whose rest is read and dropped.
  using DumpHandler = std::function<bool(const MessageView&)>;

  /// Opens a socket of NETLINK_GENERIC, NETLINK_ROUTE or NETLINK_SOCK_DIAG in the calling thread's
  /// network namespace, with extended acknowledgements and strict checking if the kernel has them.
  /// Reading a datagram of more than `longest` bytes fails with EMSGSIZE. The kernel allocates as
  /// much, up to 32 KiB, for each datagram of a dump.
  static Result<Socket> open(int protocol, size_t longest = kLongest);

  static constexpr size_t kLongest = 1 << 20;
  /// Is the size of the kernel's datagrams for readers with no larger buffer (NLMSG_GOODSIZE), the
  /// fastest for short dumps.
  static constexpr size_t kShort = 8192 - 320;

  int fd() const { return fd_.get(); }

  /// Returns when the kernel has acknowledged; `reply` receives the messages that it sends before.
  /// The error has the kernel's text, the offending and the missing attribute if it reported them.
  Result<void> request(Message& message, const Handler& reply = {});

  /// Sends many requests by few system calls. The kernel runs them in order, also after one that
  /// fails, and each has a result. `reply` also receives the index of the request. A reply of more
  /// than 64 KiB to one of many fails with EMSGSIZE.
  std::vector<Result<void>> pipeline(std::span<Message> messages, const IndexedHandler& reply = {});

  /// Streams a dump to `each`. If the kernel reports that a change has interrupted it, `restart`
  /// says that the messages so far are void, and the dump begins anew. Fails with EINTR after
  /// kDumpAttempts attempts.
  Result<void> dump(Message& message, const DumpHandler& each,
                    const std::function<void()>& restart);

  template <class T>
  using Decoder = std::function<Result<T>(const MessageView&)>;

  /// Streams a dump of decoded items; an error of `decode` ends it.
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

  /// Collects a short dump.
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

  /// Joins a multicast group. Fails with EPERM if that needs a capability.
  Result<void> join(uint32_t group);

  /// Sets how many unread bytes may wait before the kernel drops multicast messages and reports
  /// ENOBUFS; more than net.core.rmem_max needs CAP_NET_ADMIN. Returns the kernel's actual size.
  Result<int> set_receive_buffer(int bytes);

  /// Reads a datagram of multicast messages without blocking and returns how many messages it had,
  /// 0 if none waits. Fails with ENOBUFS if messages were lost before; the socket stays usable.
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

  static constexpr size_t kMostDatagrams = 16;  // for one system call

  UniqueFd fd_;
  size_t longest_;
  std::unique_ptr<std::byte[]> buffer_;
  std::array<Bytes, kMostDatagrams> datagrams_;  // in the buffer
  uint32_t sequence_ = 0;
};

}  // namespace mptcp::netlink
