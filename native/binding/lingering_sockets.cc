// Waits for the peers of closed sockets by epoll(7) on one thread.
#include "binding/lingering_sockets.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <system_error>
#include <utility>

#include "binding/signals_blocked.h"
#include "binding/worker_thread.h"
#include "core/net_file.h"
#include "core/socket_handover.h"

namespace mptcp::binding {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr char kThread[] = "mptcp-linger";
constexpr rlim_t kMost = 256;
constexpr rlim_t kShare = 8;  // one of so many descriptors that the process may have
constexpr seconds kLongest{60};
constexpr seconds kIdle{1};     // for which the thread waits for another socket
constexpr uint64_t kWoken = 0;  // no socket has this number

/// Returns how many sockets the process may keep.
size_t bound() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return 0;
  return std::min(kMost, limit.rlim_cur / kShare);
}

/// Returns for how long the kernel accepts data after close(), in the calling thread's namespace.
seconds close_timeout() {
  const auto text = read_net_file("/proc/sys/net/mptcp/close_timeout");
  if (!text) return kLongest;  // before Linux 6.7 it was TCP_TIMEWAIT_LEN
  return std::min(kLongest, seconds(std::atoi(text->c_str())));
}

void reset_at_close(int fd) {
  const linger at_once{.l_onoff = 1, .l_linger = 0};
  setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
}

Result<void> add_to(const UniqueFd& epoll, int fd, uint64_t number) {
  epoll_event event{};
  event.events = EPOLLIN | EPOLLRDHUP;
  event.data.u64 = number;
  if (epoll_ctl(epoll.get(), EPOLL_CTL_ADD, fd, &event) != 0) return last_error("epoll_ctl");
  return {};
}

}  // namespace

LingeringSockets& LingeringSockets::of_process() {
  // It is never destroyed, because exit() may leave the thread running.
  static auto* const sockets = new LingeringSockets();
  return *sockets;
}

void LingeringSockets::enter() {
  const std::lock_guard lock(mutex_);
  ++environments_;
}

void LingeringSockets::leave(Owner owner) {
  std::thread ended;
  {
    const std::lock_guard lock(mutex_);
    for (auto one = kept_.begin(); one != kept_.end();) {
      one = one->second.owner == owner ? give_up(one) : std::next(one);
    }
    if (--environments_ > 0 || !thread_.joinable()) return;
    // The library may be unloaded with its last environment.
    stopping_ = true;
    wake();
    ended = std::move(thread_);
  }
  ended.join();
}

Result<void> LingeringSockets::keep(int fd, Owner owner) {
  const size_t most = bound();
  const auto longest = close_timeout();
  const std::lock_guard lock(mutex_);
  if (most == 0 || longest == seconds::zero()) return {};
  if (const auto started = start(); !started) return started.error();
  auto duplicate = duplicate_to_keep(fd);
  if (!duplicate) return duplicate.error();
  if (!*duplicate) return {};
  if (const auto opened = open_epoll(); !opened) return opened.error();
  const uint64_t number = ++last_number_;
  if (const auto added = add_to(epoll_, duplicate->get(), number); !added) return added.error();
  while (kept_.size() >= most) give_up(kept_.begin());
  const auto until = Clock::now() + longest;
  const bool is_first = kept_.empty() || until < kept_.begin()->second.until;
  kept_.emplace(number, Kept{std::move(*duplicate), owner, until});
  if (shutdown(fd, SHUT_WR) != 0) {
    const auto error = last_error("shutdown");
    give_up(std::prev(kept_.end()));
    return error;
  }
  make_room_locked();
  if (is_first) wake();
  return {};
}

bool LingeringSockets::give_up_oldest() {
  const std::lock_guard lock(mutex_);
  if (kept_.empty()) return false;
  give_up(kept_.begin());
  return true;
}

void LingeringSockets::make_room() {
  const std::lock_guard lock(mutex_);
  make_room_locked();
}

void LingeringSockets::make_room_locked() {
  while (!kept_.empty()) {
    const UniqueFd spare(fcntl(epoll_.get(), F_DUPFD_CLOEXEC, 0));
    if (spare || errno != EMFILE) return;
    give_up(kept_.begin());
  }
}

/// Starts the thread unless it runs.
Result<void> LingeringSockets::start() {
  if (running_) return {};
  if (thread_.joinable()) thread_.join();  // it has ended
  stopping_ = false;
  try {
    const SignalsBlocked blocked;
    thread_ = std::thread([this] { run(); });
    running_ = true;
  } catch (const std::system_error& error) {
    return thread_error(error, kThread);
  }
  return {};
}

Result<void> LingeringSockets::open_epoll() {
  if (epoll_) return {};
  UniqueFd epoll(epoll_create1(EPOLL_CLOEXEC));
  if (!epoll) return last_error("epoll_create1");
  UniqueFd wake(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!wake) return last_error("eventfd");
  if (const auto added = add_to(epoll, wake.get(), kWoken); !added) return added.error();
  epoll_ = std::move(epoll);
  wake_ = std::move(wake);
  return {};
}

/// Is the thread.
void LingeringSockets::run() {
  pthread_setname_np(pthread_self(), kThread);
  std::array<epoll_event, 64> events;
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    if (kept_.empty()) {
      epoll_.reset();
      wake_.reset();
      if (not_empty_.wait_for(lock, kIdle, [this] { return stopping_ || !kept_.empty(); }))
        continue;
      break;
    }
    const int timeout = serve_overdue();
    if (kept_.empty()) continue;
    const int epoll = epoll_.get();
    lock.unlock();
    const int ready = epoll_wait(epoll, events.data(), events.size(), timeout);
    lock.lock();
    for (int i = 0; i < ready; ++i) {
      eventfd_t count = 0;
      if (events[i].data.u64 == kWoken) eventfd_read(wake_.get(), &count);
      const auto one = kept_.find(events[i].data.u64);
      if (one != kept_.end()) serve(one, events[i].events);
    }
  }
  running_ = false;
  epoll_.reset();
  wake_.reset();
}

/// Gives up what is overdue, and returns the milliseconds until the next one is.
int LingeringSockets::serve_overdue() {
  const auto now = Clock::now();
  auto next = Clock::time_point::max();
  for (auto one = kept_.begin(); one != kept_.end();) {
    const auto until = one->second.until;
    if (until > now) next = std::min(next, until);
    one = until > now ? std::next(one) : give_up(one);
  }
  if (kept_.empty()) return 0;
  return static_cast<int>(std::chrono::ceil<milliseconds>(next - now).count());
}

/// Receives what has arrived: data, the peer's end, or an error.
void LingeringSockets::serve(All::iterator one, uint32_t events) {
  const int fd = one->second.fd.get();
  char byte = 0;
  const ssize_t length = recv(fd, &byte, sizeof(byte), MSG_PEEK | MSG_DONTWAIT);
  const bool is_over = (events & (EPOLLERR | EPOLLHUP)) != 0;
  if (length < 0 && errno == EAGAIN && !is_over) return;
  if (length > 0) reset_at_close(fd);
  give_up(one);
}

/// Closes a socket, and returns the next one.
LingeringSockets::All::iterator LingeringSockets::give_up(All::iterator one) {
  // Where the owner's descriptor is still open, closing this one does not end its registration.
  epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, one->second.fd.get(), nullptr);
  const auto next = kept_.erase(one);
  if (kept_.empty()) wake();
  return next;
}

/// Wakes the thread, wherever it waits.
void LingeringSockets::wake() {
  if (wake_) eventfd_write(wake_.get(), 1);
  not_empty_.notify_one();
}

}  // namespace mptcp::binding
