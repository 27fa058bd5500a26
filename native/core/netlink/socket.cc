// Exchanges messages with the kernel over a netlink socket.
#include "core/netlink/socket.h"

#include <sys/socket.h>
#include <sys/time.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string>

namespace mptcp::netlink {
namespace {

// The datagrams of one system call share the buffer equally, with at least 64 KiB each. The kernel
// fills those of a dump up to 32 KiB; only an answer with hundreds of attributes is longer. Pages
// that no datagram reaches use no memory.
constexpr size_t kBufferSize = Socket::kLongest;

// The second datagram of a short dump is its end.
constexpr size_t kDumpDatagrams = 2;

// Answers to a batch must fit the receive buffer (212992 bytes by default, about 1 KiB each).
constexpr size_t kBatch = 64;

// This is NLMSGERR_ATTR_MISS_TYPE, which kernel headers have from Linux 6.1 on.
constexpr uint16_t kMissingType = 5;

// The kernel answers within sendmsg(), so that only a lost answer makes a request wait.
constexpr timeval kAnswerTimeout = {10, 0};

Error make_error(int code, const char* call) {
  Error error;
  error.code = code;
  error.call = call;
  return error;
}

void read_extended(Error& error, Bytes bytes) {
  const auto attributes = Attributes::parse(bytes);
  if (!attributes) return;
  if (const auto text = attributes->find(NLMSGERR_ATTR_MSG)) error.extack = text->as_string();
  error.offending_attribute = attributes->get<uint32_t>(NLMSGERR_ATTR_OFFS);
  error.missing_attribute = attributes->get<uint32_t>(kMissingType);
}

// Reads an NLMSG_ERROR: a struct nlmsgerr, then the request's payload unless NLM_F_CAPPED is set,
// then attributes if NLM_F_ACK_TLVS is set.
Result<void> read_acknowledgement(const MessageView& message, const char* call) {
  const auto acknowledgement = message.fixed<nlmsgerr>();
  if (!acknowledgement || acknowledgement->error > 0) return malformed_message(call);
  if (acknowledgement->error == 0) return {};
  Error error = make_error(-acknowledgement->error, call);
  if (message.header.nlmsg_flags & NLM_F_ACK_TLVS) {
    size_t offset = sizeof(nlmsgerr);
    if (!(message.header.nlmsg_flags & NLM_F_CAPPED) &&
        acknowledgement->msg.nlmsg_len > sizeof(nlmsghdr)) {
      offset += NLMSG_ALIGN(acknowledgement->msg.nlmsg_len - sizeof(nlmsghdr));
    }
    if (offset <= message.payload.size()) read_extended(error, message.payload.subspan(offset));
  }
  return error;
}

// Reads an NLMSG_DONE: an int, then attributes if NLM_F_ACK_TLVS is set.
Result<void> read_done(const MessageView& message, const char* call) {
  const int code = message.fixed<int>().value_or(0);
  if (code >= 0) return {};
  Error error = make_error(-code, call);
  if (message.header.nlmsg_flags & NLM_F_ACK_TLVS) {
    read_extended(error, message.payload.subspan(sizeof(int)));
  }
  return error;
}

}  // namespace

Socket::Socket(UniqueFd fd, size_t longest)
    : fd_(std::move(fd)), longest_(longest), buffer_(new std::byte[kBufferSize]) {}

Result<Socket> Socket::open(int protocol, size_t longest) {
  UniqueFd fd(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol));
  if (!fd) return last_error("socket AF_NETLINK");
  sockaddr_nl own{};
  own.nl_family = AF_NETLINK;
  // An unbound socket has the kernel's own port id, which multicast skips.
  if (bind(fd.get(), reinterpret_cast<const sockaddr*>(&own), sizeof(own)) != 0) {
    return last_error("bind AF_NETLINK");
  }
  // An old kernel that lacks an option only reports less about errors.
  const int on = 1;
  for (const int option : {NETLINK_EXT_ACK, NETLINK_CAP_ACK, NETLINK_GET_STRICT_CHK}) {
    setsockopt(fd.get(), SOL_NETLINK, option, &on, sizeof(on));
  }
  setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &kAnswerTimeout, sizeof(kAnswerTimeout));
  return Socket(std::move(fd), longest);
}

Result<void> Socket::request(Message& message, const Handler& reply) {
  IndexedHandler indexed;
  if (reply) indexed = [&](size_t, const MessageView& view) { reply(view); };
  return std::move(pipeline({&message, 1}, indexed).front());
}

std::vector<Result<void>> Socket::pipeline(std::span<Message> messages,
                                           const IndexedHandler& reply) {
  std::vector<Result<void>> results(messages.size());
  for (size_t first = 0; first < messages.size(); first += kBatch) {
    const size_t count = std::min(kBatch, messages.size() - first);
    run_batch(messages.subspan(first, count), first, reply, results);
  }
  return results;
}

void Socket::run_batch(std::span<Message> batch, size_t first, const IndexedHandler& reply,
                       std::vector<Result<void>>& results) {
  const uint32_t first_sequence = sequence_ + 1;
  std::vector<std::byte> bytes;
  bytes.reserve(batch.size() * batch.front().bytes().size());
  for (Message& message : batch) {
    message.stamp(NLM_F_REQUEST | (message.expects_reply() ? 0 : NLM_F_ACK), ++sequence_);
    bytes.insert(bytes.end(), message.bytes().begin(), message.bytes().end());
  }
  std::vector<bool> answered(batch.size());
  size_t waiting = batch.size();
  const auto fail_rest = [&](const Error& error) {
    for (size_t i = 0; i < batch.size(); ++i) {
      if (answered[i]) continue;
      Error own = error;
      own.call = batch[i].name();
      results[first + i] = std::move(own);
    }
  };

  if (const auto sent = send(bytes, batch.front().name()); !sent) return fail_rest(sent.error());
  const auto handle_answer = [&](const MessageView& message) {
    const uint32_t index = message.header.nlmsg_seq - first_sequence;
    if (index >= batch.size() || answered[index]) return;  // it answers a failed batch
    if (message.header.nlmsg_type != NLMSG_ERROR) {
      if (reply) reply(first + index, message);
      if (!batch[index].expects_reply()) return;
    } else {
      results[first + index] = read_acknowledgement(message, batch[index].name());
    }
    answered[index] = true;
    --waiting;
  };
  while (waiting > 0) {
    const auto datagrams =
        read_datagrams(std::min(waiting, kMostDatagrams), 0, batch.front().name());
    if (!datagrams) return fail_rest(datagrams.error());
    for (Bytes& datagram : *datagrams) {
      while (const auto message = next_message(datagram)) handle_answer(*message);
    }
  }
}

Result<void> Socket::dump(Message& message, const DumpHandler& each,
                          const std::function<void()>& restart) {
  bool stopped = false;
  for (int attempt = 0; attempt < kDumpAttempts; ++attempt) {
    if (attempt > 0) restart();
    const auto consistent = dump_once(message, each, stopped);
    if (!consistent) return consistent.error();
    if (*consistent || stopped) return {};
  }
  return make_error(EINTR, message.name());
}

Result<bool> Socket::dump_once(Message& message, const DumpHandler& each, bool& stopped) {
  message.stamp(NLM_F_REQUEST | NLM_F_DUMP, ++sequence_);
  if (const auto sent = send(message.bytes(), message.name()); !sent) return sent.error();
  bool consistent = true;
  for (;;) {
    const auto datagrams = read_datagrams(kDumpDatagrams, 0, message.name());
    if (!datagrams) return datagrams.error();
    for (Bytes& datagram : *datagrams) {
      while (const auto view = next_message(datagram)) {
        if (view->header.nlmsg_seq != sequence_) continue;
        if (view->header.nlmsg_flags & NLM_F_DUMP_INTR) consistent = false;
        if (view->header.nlmsg_type == NLMSG_ERROR) {
          const auto refused = read_acknowledgement(*view, message.name());
          return refused ? malformed_message(message.name()) : refused.error();
        }
        if (view->header.nlmsg_type == NLMSG_DONE) {
          const auto done = read_done(*view, message.name());
          if (!done) return done.error();
          return consistent;
        }
        if (consistent && !stopped) stopped = !each(*view);
      }
    }
  }
}

Result<void> Socket::join(uint32_t group) {
  if (setsockopt(fd_.get(), SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof(group)) != 0) {
    return last_error("setsockopt NETLINK_ADD_MEMBERSHIP");
  }
  return {};
}

Result<int> Socket::set_receive_buffer(int bytes) {
  if (setsockopt(fd_.get(), SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes)) != 0 &&
      setsockopt(fd_.get(), SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes)) != 0) {
    return last_error("setsockopt SO_RCVBUF");
  }
  int actual = 0;
  socklen_t length = sizeof(actual);
  if (getsockopt(fd_.get(), SOL_SOCKET, SO_RCVBUF, &actual, &length) != 0) {
    return last_error("getsockopt SO_RCVBUF");
  }
  return actual;
}

Result<size_t> Socket::receive(const Handler& each) {
  auto datagram = read_datagram(MSG_DONTWAIT, "recvmsg");
  if (!datagram) {
    if (datagram.error().code == EAGAIN) return size_t{0};
    return datagram.error();
  }
  size_t count = 0;
  while (const auto message = next_message(*datagram)) {
    each(*message);
    ++count;
  }
  if (!datagram->empty()) return malformed_message("recvmsg");
  return count;
}

Result<void> Socket::send(Bytes bytes, const char* call) const {
  sockaddr_nl kernel{};
  kernel.nl_family = AF_NETLINK;
  const auto* address = reinterpret_cast<const sockaddr*>(&kernel);
  ssize_t sent = 0;
  do {
    sent = sendto(fd_.get(), bytes.data(), bytes.size(), 0, address, sizeof(kernel));
  } while (sent < 0 && errno == EINTR);
  if (sent < 0) return last_error(call);
  return {};
}

Result<Bytes> Socket::read_datagram(int flags, const char* call) {
  const auto datagrams = read_datagrams(1, flags, call);
  if (!datagrams) return datagrams.error();
  return datagrams->front();
}

Result<std::span<Bytes>> Socket::read_datagrams(size_t most, int flags, const char* call) {
  std::array<mmsghdr, kMostDatagrams> headers;  // only the first `most` of each are used
  std::array<iovec, kMostDatagrams> chunks;
  std::array<sockaddr_nl, kMostDatagrams> senders;
  const size_t size = std::min(longest_, kBufferSize / most);
  for (size_t i = 0; i < most; ++i) {
    chunks[i] = {buffer_.get() + i * size, size};
    headers[i] = {};
    headers[i].msg_hdr.msg_name = &senders[i];
    headers[i].msg_hdr.msg_namelen = sizeof(senders[i]);
    headers[i].msg_hdr.msg_iov = &chunks[i];
    headers[i].msg_hdr.msg_iovlen = 1;
  }
  size_t count_read = 0;
  while (count_read == 0) {
    const int count = recvmmsg(fd_.get(), headers.data(), static_cast<unsigned>(most),
                               flags | MSG_WAITFORONE, nullptr);
    if (count < 0) {
      if (errno == EINTR) continue;
      Error error = last_error(call);
      if (error.code == EAGAIN && !(flags & MSG_DONTWAIT)) error.code = ETIMEDOUT;
      return error;
    }
    for (int i = 0; i < count; ++i) {
      if (senders[i].nl_pid != 0) continue;  // another process sent it
      if (headers[i].msg_hdr.msg_flags & MSG_TRUNC) return make_error(EMSGSIZE, call);
      datagrams_[count_read++] = Bytes(buffer_.get() + i * size, headers[i].msg_len);
    }
  }
  return std::span(datagrams_).first(count_read);
}

}  // namespace mptcp::netlink
