// Relays packets between two TUN devices and delays each: propagation delay for kernels without
// netem. Usage: relay <device> <device> <milliseconds>
// A line on standard input sets a new delay; end of file ends the relay.
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;
using Milliseconds = std::chrono::duration<double, std::milli>;

constexpr std::size_t kMaxQueue = 65536;  // packets; further ones are dropped, as by a router
constexpr int kBatch = 64;                // packets read before the other direction is served

[[noreturn]] void Fail(const char* what) {
  std::perror(what);
  std::exit(1);
}

int OpenTun(const char* name) {
  const int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
  if (fd < 0) Fail("/dev/net/tun");
  ifreq request{};
  request.ifr_flags = IFF_TUN | IFF_NO_PI;
  std::strncpy(request.ifr_name, name, IFNAMSIZ - 1);
  if (ioctl(fd, TUNSETIFF, &request) < 0) Fail("TUNSETIFF");
  return fd;
}

class Direction {
 public:
  Direction(int from, int to) : from_(from), to_(to) {}

  void Receive(Clock::duration delay) {
    for (int i = 0; i < kBatch; ++i) {
      const ssize_t length = read(from_, buffer_.data(), buffer_.size());
      if (length < 0 && errno != EAGAIN && errno != EINTR) Fail("read");
      if (length <= 0) return;
      if (queue_.size() == kMaxQueue) continue;
      // A shorter delay must not let a packet overtake those before it.
      const auto due = Clock::now() + delay;
      queue_.push_back({queue_.empty() ? due : std::max(due, queue_.back().due),
                        {buffer_.begin(), buffer_.begin() + length}});
    }
  }

  void Send() {
    const auto now = Clock::now();
    for (; !queue_.empty() && queue_.front().due <= now; queue_.pop_front()) {
      const auto& bytes = queue_.front().bytes;
      // A device that is down drops the packet, as a dead link does.
      if (write(to_, bytes.data(), bytes.size()) < 0 && errno != EIO && errno != EAGAIN)
        Fail("write");
    }
  }

  Clock::time_point due() const {
    return queue_.empty() ? Clock::time_point::max() : queue_.front().due;
  }

 private:
  struct Packet {
    Clock::time_point due;
    std::vector<char> bytes;
  };

  int from_;
  int to_;
  std::array<char, 65536> buffer_;
  std::deque<Packet> queue_;
};

Clock::duration ParseDelay(const char* text) {
  return std::chrono::duration_cast<Clock::duration>(Milliseconds(std::strtod(text, nullptr)));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fputs("usage: relay <device> <device> <milliseconds>\n", stderr);
    return 2;
  }
  // Keeps a busy machine from lengthening the delay; fails without privilege, which is tolerated.
  const sched_param first{.sched_priority = 1};
  sched_setscheduler(0, SCHED_FIFO, &first);
  const int left = OpenTun(argv[1]);
  const int right = OpenTun(argv[2]);
  Clock::duration delay = ParseDelay(argv[3]);
  Direction forth(left, right);
  Direction back(right, left);
  std::puts("ready");
  std::fflush(stdout);

  std::array<pollfd, 3> fds{{{left, POLLIN, 0}, {right, POLLIN, 0}, {STDIN_FILENO, POLLIN, 0}}};
  for (;;) {
    const auto due = std::min(forth.due(), back.due());
    timespec timeout{};
    if (due != Clock::time_point::max()) {
      const auto wait = std::max(Clock::duration::zero(), due - Clock::now());
      timeout.tv_sec = std::chrono::duration_cast<std::chrono::seconds>(wait).count();
      timeout.tv_nsec = (wait % std::chrono::seconds(1)) / std::chrono::nanoseconds(1);
    }
    const bool idle = due == Clock::time_point::max();
    if (ppoll(fds.data(), fds.size(), idle ? nullptr : &timeout, nullptr) < 0 && errno != EINTR)
      Fail("ppoll");
    if (fds[0].revents != 0) forth.Receive(delay);
    if (fds[1].revents != 0) back.Receive(delay);
    if (fds[2].revents != 0) {
      std::array<char, 64> line{};
      if (read(STDIN_FILENO, line.data(), line.size() - 1) <= 0) return 0;
      delay = ParseDelay(line.data());
      std::puts("delay set");
      std::fflush(stdout);
    }
    forth.Send();
    back.Send();
  }
}
