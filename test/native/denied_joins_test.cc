// Whether the running kernel's events tell of a peer that denies joins, and how that is found out.
#include "core/denied_joins.h"

#include "support/capabilities.h"
#include "support/kernel_test.h"

namespace mptcp::pm {
namespace {

constexpr const char* kSetting = "net/mptcp/allow_join_initial_addr_port";

class DeniedJoins : public test::KernelTest {};

TEST_F(DeniedJoins, IsFoundOutElsewhere) {
  EXPECT_TRUE(events_tell_denied_joins().has_value());
  EXPECT_EQ(test::read_sysctl(kSetting), "1");
}

TEST_F(DeniedJoins, NeedsNoNamespace) {
  const auto told = events_tell_denied_joins();
  const test::WithoutCapability without(CAP_SYS_ADMIN);
  const auto here = events_tell_denied_joins();
  // Where it is found out here at all, it is the same.
  EXPECT_EQ(here.value_or(*told), told);
  EXPECT_EQ(test::read_sysctl(kSetting), "1");
}

TEST_F(DeniedJoins, NeedsEvents) {
  const test::WithoutCapability without(CAP_NET_ADMIN);
  EXPECT_FALSE(events_tell_denied_joins().has_value());
}

TEST_F(DeniedJoins, NeedsMptcp) {
  test::write_sysctl("net/mptcp/enabled", "0");
  const test::WithoutCapability without(CAP_SYS_ADMIN);
  EXPECT_FALSE(events_tell_denied_joins().has_value());
}

}  // namespace
}  // namespace mptcp::pm
