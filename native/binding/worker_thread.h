// A thread that waits by poll, and can be woken and stopped at any moment.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <functional>
#include <future>
#include <thread>

#include "core/result.h"
#include "core/unique_fd.h"

namespace mptcp::binding {

class WorkerThread {
 public:
  /// `body` runs on the new thread, which gets `name` in the kernel (15 bytes). std::system_error:
  /// no thread or descriptor to be had.
  WorkerThread(const char* name, std::function<void(WorkerThread&)> body);
  /// Stops and waits for the end of `body`.
  ~WorkerThread();

  // Any thread.
  void wake();
  void stop();
  bool stopping() const { return stopping_; }
  /// The kernel's id; waits until the thread has started.
  pid_t id() const { return id_.get(); }

  /// On the thread itself: returns when `fd` can be read, when wake() was called since, or when the
  /// thread is to stop: false. After `timeout` milliseconds at most, -1: none.
  bool wait(int fd = -1, int timeout = -1);

 private:
  // The thread is the last member: it ends before what it uses.
  UniqueFd wake_;
  std::atomic<bool> stopping_ = false;
  std::promise<pid_t> started_;
  std::shared_future<pid_t> id_ = started_.get_future();
  std::thread thread_;
};

}  // namespace mptcp::binding
