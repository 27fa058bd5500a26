// Runs the program in its arguments with output to /dev/null, and prints as JSON the time from
// fork() to the program's end, the CPU time, and the peak resident memory.
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void check(bool ok, const char* what) {
  if (ok) return;
  perror(what);
  exit(1);
}

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec + time.tv_nsec / 1e9;
}

static double seconds(struct timeval time) { return time.tv_sec + time.tv_usec / 1e6; }

int main(int argc, char** argv) {
  check(argc > 1, "run.c: a program is missing");
  const double start = now();
  const pid_t child = fork();
  if (child == 0) {
    check(freopen("/dev/null", "w", stdout) != NULL, "/dev/null");
    execvp(argv[1], argv + 1);
    check(false, argv[1]);
  }
  int status;
  struct rusage usage;
  check(wait4(child, &status, 0, &usage) == child && status == 0, argv[1]);
  printf("{\"seconds\":%f,\"cpu\":%f,\"peak\":%ld}\n", now() - start,
         seconds(usage.ru_utime) + seconds(usage.ru_stime), usage.ru_maxrss * 1024);
}
