// Drops a capability of the calling thread for a scope.
#pragma once

#include <gtest/gtest.h>
#include <linux/capability.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>

namespace mptcp::test {

class WithoutCapability {
 public:
  explicit WithoutCapability(int capability) {
    EXPECT_EQ(syscall(SYS_capget, &header_, saved_.data()), 0);
    auto without = saved_;
    without[CAP_TO_INDEX(capability)].effective &= ~CAP_TO_MASK(capability);
    EXPECT_EQ(syscall(SYS_capset, &header_, without.data()), 0);
  }
  ~WithoutCapability() { EXPECT_EQ(syscall(SYS_capset, &header_, saved_.data()), 0); }
  WithoutCapability(const WithoutCapability&) = delete;
  WithoutCapability& operator=(const WithoutCapability&) = delete;

 private:
  __user_cap_header_struct header_{_LINUX_CAPABILITY_VERSION_3, 0};
  std::array<__user_cap_data_struct, 2> saved_{};
};

}  // namespace mptcp::test
