#include <gtest/gtest.h>

#include "support/kernel_test.h"

int main(int argc, char** argv) {
  ::testing::InitGoogleTest(&argc, argv);
  // A list of the tests must not depend on what the machine allows.
  if (!::testing::GTEST_FLAG(list_tests)) mptcp::test::enter_user_namespace();
  return RUN_ALL_TESTS();
}
