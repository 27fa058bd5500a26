// Keeps closed MPTCP sockets until their peers are done, for all threads of the process.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <thread>

#include "core/result.h"
#include "core/unique_fd.h"

namespace mptcp::binding {

/// A thread receives the end of each peer, closes the socket of one that has ended, and resets that
/// of one that still sends, as TCP does. It runs while there are sockets, and for a moment longer.
/// Where there are too many, the oldest sockets are left to the kernel. Any thread may call the
/// methods.
class LingeringSockets {
 public:
  /// Names the environment that has closed a socket.
  using Owner = const void*;

  static LingeringSockets& of_process();

  /// Each environment that may keep sockets calls both; leave() closes what it has kept.
  void enter();
  void leave(Owner owner);

  /// Keeps `fd`, which its owner is about to close, for net.mptcp.close_timeout and 60 s at most.
  /// Does nothing where a plain close() is right, or where no descriptor is to spare.
  Result<void> keep(int fd, Owner owner);

  /// Closes the oldest socket; returns whether there was one.
  bool give_up_oldest();

  /// Closes the oldest sockets until the process can have one more descriptor.
  void make_room();

 private:
  using Clock = std::chrono::steady_clock;

  struct Kept {
    UniqueFd fd;
    Owner owner;
    Clock::time_point until;
  };
  // They are numbered in the order in which they were kept.
  using All = std::map<uint64_t, Kept>;

  LingeringSockets() = default;
  Result<void> start();
  Result<void> open_epoll();
  void run();
  void make_room_locked();
  int serve_overdue();
  void serve(All::iterator one, uint32_t events);
  All::iterator give_up(All::iterator one);
  void wake();

  std::mutex mutex_;
  std::condition_variable not_empty_;
  All kept_;
  uint64_t last_number_ = 0;
  size_t environments_ = 0;
  bool stopping_ = false;
  bool running_ = false;  // false: the thread has ended or is about to, and may be joined
  // They are open while sockets are kept, so that the others cost no descriptor.
  UniqueFd epoll_;
  UniqueFd wake_;
  std::thread thread_;
};

}  // namespace mptcp::binding
