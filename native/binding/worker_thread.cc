// Starts, wakes and stops threads by an eventfd.
#include "binding/worker_thread.h"

#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <string>
#include <system_error>

namespace mptcp::binding {
namespace {

// Blocks all signals for the threads that are created in the meantime: the application's own
// threads must receive them.
class SignalsBlocked {
 public:
  SignalsBlocked() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~SignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  SignalsBlocked(const SignalsBlocked&) = delete;
  SignalsBlocked& operator=(const SignalsBlocked&) = delete;

 private:
  sigset_t before_;
};

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
