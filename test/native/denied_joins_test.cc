// Tests how the core finds out whether the kernel's events report a peer that denies joins.
#include "core/denied_joins.h"

#include "support/capabilities.h"
#include "support/kernel_test.h"

namespace mptcp::pm {
namespace {

constexpr const char* kSetting = "net/mptcp/allow_join_initial_addr_port";

class DeniedJoins : public test::KernelTest {};

TEST_F(DeniedJoins, AreFoundOutInAnotherNamespace) {
  EXPECT_TRUE((*events_report_denied_joins()).has_value());
  EXPECT_EQ(test::read_sysctl(kSetting), "1");
}

TEST_F(DeniedJoins, NeedNoNamespace) {
  const auto reported = events_report_denied_joins();
  const test::WithoutCapability without(CAP_SYS_ADMIN);
  const auto here = events_report_denied_joins();
  // If it can be found out in this namespace at all, the answer is the same.
  EXPECT_EQ((*here).value_or(**reported), **reported);
  EXPECT_EQ(test::read_sysctl(kSetting), "1");
}

TEST_F(DeniedJoins, NeedEvents) {
  const test::WithoutCapability without(CAP_NET_ADMIN);
  EXPECT_FALSE((*events_report_denied_joins()).has_value());
}

TEST_F(DeniedJoins, NeedMptcp) {
  test::write_sysctl("net/mptcp/enabled", "0");
  const test::WithoutCapability without(CAP_SYS_ADMIN);
  EXPECT_FALSE((*events_report_denied_joins()).has_value());
}

}  // namespace
}  // namespace mptcp::pm
