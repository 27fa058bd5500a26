#include "core/socket_handover.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>

#include "core/mptcp_socket.h"

namespace mptcp {

Result<void> replace_connecting(int epoll_fd, int target, int source) {
  // This closes the former `target`, which ends its registration with the event loop.
  if (dup3(source, target, O_CLOEXEC) < 0) return last_error("dup3");
  epoll_event event{};
  event.events = EPOLLOUT;
  event.data.fd = target;
  if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, target, &event) != 0) return last_error("epoll_ctl");
  return {};
}

Result<UniqueFd> duplicate_to_keep(int fd) {
  pollfd state{fd, POLLIN | POLLRDHUP, 0};
  if (poll(&state, 1, 0) != 0) return UniqueFd();
  const auto speaks = speaks_mptcp(fd);
  if (!speaks || !*speaks) return UniqueFd();
  UniqueFd kept(fcntl(fd, F_DUPFD_CLOEXEC, 0));
  if (!kept) return last_error("fcntl F_DUPFD_CLOEXEC");
  return kept;
}

}  // namespace mptcp
