// Starts, wakes and stops threads by an eventfd.
#include "binding/worker_thread.h"

#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>

#include <array>
#include <cerrno>
#include <string>
#include <system_error>

#include "binding/signals_blocked.h"

namespace mptcp::binding {
namespace {

UniqueFd open_eventfd() {
  UniqueFd fd(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!fd) throw std::system_error(errno, std::generic_category(), "eventfd");
  return fd;
}

}  // namespace

Error thread_error(const std::system_error& error, const char* name) {
  return {.code = error.code().value(), .call = std::string("thread ") + name};
}

WorkerThread::WorkerThread(const char* name, std::function<void(WorkerThread&)> body)
    : wake_(open_eventfd()) {
  const SignalsBlocked blocked;
  thread_ = std::thread([this, name, body = std::move(body)] {
    pthread_setname_np(pthread_self(), name);
    started_.set_value(static_cast<pid_t>(syscall(SYS_gettid)));
    body(*this);
  });
}

WorkerThread::~WorkerThread() {
  stop();
  thread_.join();
}

void WorkerThread::wake() { eventfd_write(wake_.get(), 1); }

void WorkerThread::stop() {
  stopping_ = true;
  wake();
}

bool WorkerThread::wait(int fd, int timeout) {
  std::array<pollfd, 2> waited = {pollfd{wake_.get(), POLLIN, 0}, pollfd{fd, POLLIN, 0}};
  while (!stopping_ && poll(waited.data(), waited.size(), timeout) < 0) {
    // The only error is EINTR by a debugger, because signals are blocked.
  }
  if (waited[0].revents != 0) {
    eventfd_t count = 0;
    eventfd_read(wake_.get(), &count);
  }
  return !stopping_;
}

}  // namespace mptcp::binding
