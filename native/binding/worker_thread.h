// Runs a thread that waits by poll(2), and that others can wake and stop at any moment.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <functional>
#include <future>
#include <system_error>
#include <thread>

#include "core/result.h"
#include "core/unique_fd.h"

namespace mptcp::binding {

/// Makes an Error of what the constructor of a WorkerThread throws.
Error thread_error(const std::system_error& error, const char* name);

class WorkerThread {
 public:
  /// Runs `body` on a new thread, which the kernel names `name` (15 bytes). Throws
  /// std::system_error if no thread or descriptor can be created.
  WorkerThread(const char* name, std::function<void(WorkerThread&)> body);
  /// Stops the thread and waits for the end of `body`.
  ~WorkerThread();

  // Any thread may call these.
  void wake();
  void stop();
  bool stopping() const { return stopping_; }
  /// Returns the kernel's id of the thread, after it has started.
  pid_t id() const { return id_.get(); }

  /// Waits, on the thread itself, until `fd` is readable, wake() is called, or `timeout`
  /// milliseconds have passed (-1 means never). Returns false if the thread must stop.
  bool wait(int fd = -1, int timeout = -1);

 private:
  // The thread is the last member, so that it ends before those that it uses.
  UniqueFd wake_;
  std::atomic<bool> stopping_ = false;
  std::promise<pid_t> started_;
  std::shared_future<pid_t> id_ = started_.get_future();
  std::thread thread_;
};

}  // namespace mptcp::binding
