// Makes pthread_create() fail as under a limit of the control group while the file exists that the
// environment variable NO_THREADS names. It is preloaded into a process by LD_PRELOAD.
#include <dlfcn.h>
#include <pthread.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

extern "C" int pthread_create(pthread_t* thread, const pthread_attr_t* attributes,
                              void* (*body)(void*), void* argument) noexcept {
  using Create = int (*)(pthread_t*, const pthread_attr_t*, void* (*)(void*), void*);
  static const auto create = reinterpret_cast<Create>(dlsym(RTLD_NEXT, "pthread_create"));
  const char* file = getenv("NO_THREADS");
  if (file != nullptr && access(file, F_OK) == 0) return EAGAIN;
  return create(thread, attributes, body, argument);
}
