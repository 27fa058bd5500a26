// Runs a program for which the kernel refuses some sockets, as the seccomp profile of a container
// and systemd's RestrictAddressFamilies= do: refuse-sockets DOMAIN PROTOCOL ERRNO PROGRAM
// ARGUMENT... refuses socket(2) with this errno for the domain and protocol; -1 stands for any of
// them.
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <vector>

namespace {

/// Allows the call unless the argument (its low 32 bits) is `expected`; -1 is not compared.
void compare(std::vector<sock_filter>& filter, unsigned offset, int expected) {
  if (expected == -1) return;
  filter.push_back(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offset));
  filter.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<unsigned>(expected), 1, 0));
  filter.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
}

}  // namespace

int main(int count, char** arguments) {
  if (count < 5) return 2;
  std::vector<sock_filter> filter;
  compare(filter, offsetof(seccomp_data, nr), __NR_socket);
  compare(filter, offsetof(seccomp_data, args[0]), std::atoi(arguments[1]));
  compare(filter, offsetof(seccomp_data, args[2]), std::atoi(arguments[2]));
  const unsigned refuse = SECCOMP_RET_ERRNO | static_cast<unsigned>(std::atoi(arguments[3]));
  filter.push_back(BPF_STMT(BPF_RET | BPF_K, refuse));
  const sock_fprog program = {static_cast<unsigned short>(filter.size()), filter.data()};
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
      prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0) {
    std::perror("refuse-sockets");
    return 1;
  }
  execvp(arguments[4], arguments + 4);
  std::perror(arguments[4]);
  return 1;
}
