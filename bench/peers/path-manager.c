// The minimal program with which the path manager is compared, which makes the same requests and
// reads, and the generator of listeners and connections.
#include <arpa/inet.h>
#include <errno.h>
#include <linux/genetlink.h>
#include <linux/mptcp.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { kCreated = 1, kClosed = 3, kListenerCreated = 15 };  // MPTCP_EVENT_*
enum { kReceiveBuffer = 64 << 20 };

static char buffer[64 << 10];

static void check(bool ok, const char* what) {
  if (ok) return;
  perror(what);
  exit(1);
}

static long long now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1000000000LL + time.tv_nsec;
}

static void print_times(const long long* times, int count) {
  printf("[");
  for (int i = 0; i < count; ++i) printf("%s%lld", i > 0 ? "," : "", times[i]);
  printf("]\n");
}

// Netlink

static int netlink_fd;

static void add(struct nlmsghdr* message, int type, const void* value, int length) {
  struct nlattr* attribute = (void*)((char*)message + NLMSG_ALIGN(message->nlmsg_len));
  *attribute = (struct nlattr){.nla_type = type, .nla_len = NLA_HDRLEN + length};
  memcpy((char*)attribute + NLA_HDRLEN, value, length);
  message->nlmsg_len = NLMSG_ALIGN(message->nlmsg_len) + NLA_ALIGN(attribute->nla_len);
}

static struct nlmsghdr* begin(void* at, int family, int flags, int command, int version) {
  struct nlmsghdr* message = at;
  *message = (struct nlmsghdr){.nlmsg_len = NLMSG_LENGTH(GENL_HDRLEN),
                               .nlmsg_type = family,
                               .nlmsg_flags = NLM_F_REQUEST | flags};
  *(struct genlmsghdr*)NLMSG_DATA(message) =
      (struct genlmsghdr){.cmd = command, .version = version};
  return message;
}

static int receive(void) {
  const int length = recv(netlink_fd, buffer, sizeof buffer, 0);
  check(length > 0, "recv");
  const struct nlmsghdr* message = (void*)buffer;
  if (message->nlmsg_type == NLMSG_ERROR) {
    errno = -((struct nlmsgerr*)NLMSG_DATA(message))->error;
    check(errno == 0, "request");
  }
  return length;
}

static struct nlattr* find(void* attributes, int length, int type) {
  struct nlattr* each = attributes;
  for (; length >= NLA_HDRLEN; length -= NLA_ALIGN(each->nla_len),
                               each = (void*)((char*)each + NLA_ALIGN(each->nla_len))) {
    if ((each->nla_type & NLA_TYPE_MASK) == type) return each;
  }
  return NULL;
}

static struct nlattr* find_in(struct nlattr* nest, int type) {
  return find((char*)nest + NLA_HDRLEN, nest->nla_len - NLA_HDRLEN, type);
}

static void* payload(struct nlattr* attribute) { return (char*)attribute + NLA_HDRLEN; }

// Opens the socket and returns the id of the family; finds the group of the events.
static int open_path_manager(int* group) {
  netlink_fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_GENERIC);
  check(netlink_fd >= 0, "socket");
  char request[128];
  struct nlmsghdr* message = begin(request, GENL_ID_CTRL, 0, CTRL_CMD_GETFAMILY, 1);
  add(message, CTRL_ATTR_FAMILY_NAME, MPTCP_PM_NAME, sizeof MPTCP_PM_NAME);
  check(send(netlink_fd, request, message->nlmsg_len, 0) > 0, "send");
  const int length = receive() - NLMSG_LENGTH(GENL_HDRLEN);
  void* attributes = buffer + NLMSG_LENGTH(GENL_HDRLEN);
  struct nlattr* groups = find(attributes, length, CTRL_ATTR_MCAST_GROUPS);
  for (int i = 1; group; ++i) {
    struct nlattr* each = find_in(groups, i);
    check(each != NULL, MPTCP_PM_EV_GRP_NAME);
    if (strcmp(payload(find_in(each, CTRL_ATTR_MCAST_GRP_NAME)), MPTCP_PM_EV_GRP_NAME)) continue;
    *group = *(int*)payload(find_in(each, CTRL_ATTR_MCAST_GRP_ID));
    break;
  }
  return *(uint16_t*)payload(find(attributes, length, CTRL_ATTR_FAMILY_ID));
}

static void add_endpoint(struct nlmsghdr* message, const unsigned* flags) {
  struct nlattr* nest = (void*)((char*)message + message->nlmsg_len);
  add(message, MPTCP_PM_ATTR_ADDR | NLA_F_NESTED, NULL, 0);
  const uint8_t id = 1;
  add(message, MPTCP_PM_ADDR_ATTR_ID, &id, sizeof id);
  if (flags) add(message, MPTCP_PM_ADDR_ATTR_FLAGS, flags, sizeof *flags);
  nest->nla_len = (char*)message + message->nlmsg_len - (char*)nest;
}

static int get(void* at, int family) {
  struct nlmsghdr* message = begin(at, family, 0, MPTCP_PM_CMD_GET_ADDR, MPTCP_PM_VER);
  add_endpoint(message, NULL);
  return message->nlmsg_len;
}

static int set_flags(void* at, int family, bool backup) {
  const unsigned flags = backup ? MPTCP_PM_ADDR_FLAG_BACKUP : 0;
  struct nlmsghdr* message = begin(at, family, NLM_F_ACK, MPTCP_PM_CMD_SET_FLAGS, MPTCP_PM_VER);
  add_endpoint(message, &flags);
  return message->nlmsg_len;
}

// Sends `count` requests at once, and reads their replies.
static void exchange(const void* requests, int length, int count) {
  check(send(netlink_fd, requests, length, 0) == length, "send");
  while (count-- > 0) receive();
}

static void list(int family) {
  char request[64];
  exchange(request,
           begin(request, family, NLM_F_DUMP, MPTCP_PM_CMD_GET_ADDR, MPTCP_PM_VER)->nlmsg_len, 1);
  while (((struct nlmsghdr*)buffer)->nlmsg_type != NLMSG_DONE) receive();
}

static void run_commands(const char* what, int count, int burst) {
  const int family = open_path_manager(NULL);
  char requests[8 << 10];
  const long long start = now();
  if (!strcmp(what, "list")) {
    for (int i = 0; i < count; ++i) list(family);
  } else if (!strcmp(what, "get")) {
    for (int i = 0; i < count; i += burst) {
      int length = 0;
      for (int j = 0; j < burst; ++j) length += get(requests + length, family);
      exchange(requests, length, burst);
    }
  } else {
    for (int i = 0; i < count; ++i) {
      exchange(requests, get(requests, family), 1);
      exchange(requests, set_flags(requests, family, i % 2 == 0), 1);
      exchange(requests, get(requests, family), 1);
    }
  }
  printf("{\"rate\":%f}\n", count * 1e9 / (now() - start));
}

static void watch(void) {
  int group = 0;
  open_path_manager(&group);
  const int size = kReceiveBuffer;
  setsockopt(netlink_fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size);
  check(!setsockopt(netlink_fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof group),
        "NETLINK_ADD_MEMBERSHIP");
  printf("ready\n");
  fflush(stdout);
}

static int event(void) {
  const int length = recv(netlink_fd, buffer, sizeof buffer, 0);
  if (length < 0 && errno == ENOBUFS) return -1;
  check(length > 0, "recv");
  return ((struct genlmsghdr*)NLMSG_DATA((struct nlmsghdr*)buffer))->cmd;
}

// Prints the times at which it has read `count` events of new listeners.
static void read_listeners(int count) {
  long long times[count];
  watch();
  for (int i = 0; i < count;) {
    if (event() == kListenerCreated) times[i++] = now();
  }
  print_times(times, count);
}

// Reads events until both ends of `count` connections are closed, or something was lost.
static void read_connections(int count) {
  int created = 0, closed = 0, events = 0, last = 0;
  watch();
  while (closed < 2 * count && (last = event()) >= 0) {
    ++events;
    created += last == kCreated;
    closed += last == kClosed;
  }
  printf("{\"created\":%d,\"closed\":%d,\"events\":%d,\"lost\":%s}\n", created, closed, events,
         last < 0 ? "true" : "false");
}

// MPTCP sockets

static int mptcp_socket(void) {
  const int fd = socket(AF_INET, SOCK_STREAM, IPPROTO_MPTCP);
  check(fd >= 0, "socket");
  return fd;
}

static int listen_at(struct sockaddr_in* address) {
  *address = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
  const int fd = mptcp_socket();
  socklen_t length = sizeof *address;
  check(!bind(fd, (void*)address, length), "bind");
  check(!listen(fd, 16), "listen");
  check(!getsockname(fd, (void*)address, &length), "getsockname");
  return fd;
}

// Opens `count` listeners, and prints the times.
static void make_listeners(int count) {
  long long times[count];
  const struct timespec pause = {.tv_nsec = 2000000};  // until the reader is idle again
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
  for (int i = 0; i < count; ++i) {
    const int fd = mptcp_socket();
    check(!bind(fd, (void*)&address, sizeof address), "bind");
    times[i] = now();
    check(!listen(fd, 1), "listen");
    close(fd);
    nanosleep(&pause, NULL);
  }
  print_times(times, count);
}

static void connect_pair(int listener, const struct sockaddr_in* address, int pair[2]) {
  pair[0] = mptcp_socket();
  check(!connect(pair[0], (const void*)address, sizeof *address), "connect");
  pair[1] = accept(listener, NULL, NULL);
  check(pair[1] >= 0, "accept");
}

// Opens and closes `count` connections as fast as all processors can.
static void make_connections(int count) {
  const int processes = sysconf(_SC_NPROCESSORS_ONLN);
  const long long start = now();
  for (int process = 0; process < processes; ++process) {
    if (fork() != 0) continue;
    struct sockaddr_in address;
    const int listener = listen_at(&address);
    for (int i = process; i < count; i += processes) {
      int pair[2];
      connect_pair(listener, &address, pair);
      close(pair[0]);
      close(pair[1]);
    }
    exit(0);
  }
  for (int status = 0; wait(&status) > 0;) check(status == 0, "connections");
  printf("{\"rate\":%f}\n", count * 1e9 / (now() - start));
}

// Holds `count` sockets of connections until standard input ends.
static void hold_connections(int count) {
  const struct rlimit files = {count + 64, count + 64};
  check(!setrlimit(RLIMIT_NOFILE, &files), "RLIMIT_NOFILE");
  struct sockaddr_in address;
  const int listener = listen_at(&address);
  for (int i = 0; i < count; i += 2) {
    int pair[2];
    connect_pair(listener, &address, pair);
  }
  printf("ready\n");
  fflush(stdout);
  while (getchar() != EOF) continue;
}

int main(int argc, char** argv) {
  const char* job = argc > 2 ? argv[1] : "";
  const int count = argc > 2 ? atoi(argv[2]) : 0;
  if (!strcmp(job, "commands") && argc > 4) {
    run_commands(argv[2], atoi(argv[3]), atoi(argv[4]));
  } else if (!strcmp(job, "read-listeners")) {
    read_listeners(count);
  } else if (!strcmp(job, "make-listeners")) {
    make_listeners(count);
  } else if (!strcmp(job, "read-connections")) {
    read_connections(count);
  } else if (!strcmp(job, "make-connections")) {
    make_connections(count);
  } else if (!strcmp(job, "hold-connections")) {
    hold_connections(count);
  } else {
    fprintf(stderr, "path-manager.c: no such job\n");
    return 2;
  }
}
