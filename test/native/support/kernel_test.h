// Runs tests against the running kernel, each in a network namespace of its own.
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "core/address.h"
#include "core/netlink/socket.h"
#include "core/unique_fd.h"

namespace mptcp::test {

/// Moves the test's thread into a new network namespace whose loopback is up. If that is
/// impossible, the test is skipped, or fails if MPTCP_TEST_REQUIRE_ALL is set.
class KernelTest : public ::testing::Test {
 protected:
  void SetUp() override;
};

/// Enters a user namespace in which this process may make network namespaces, unless it is root.
/// The process must have no other threads yet.
void enter_user_namespace();

/// Opens the network namespace of the calling thread.
UniqueFd current_network_namespace();

/// Returns whether `fd` is readable, at once or within half a minute.
bool wait_readable(int fd);

/// Adds an address to the loopback and waits until it is usable.
Result<void> add_loopback_address(netlink::Socket& route, const Address& address);
/// Removes it.
Result<void> delete_loopback_address(netlink::Socket& route, const Address& address);
netlink::Message loopback_address_message(uint16_t type, const Address& address);

/// Reads a setting of this namespace, such as "net/mptcp/enabled".
std::string read_sysctl(const std::string& name);
void write_sysctl(const std::string& name, const std::string& value);

/// Parses an address, which must be one of the test's own constants.
Address address_of(const std::string& text, uint16_t port = 0);

/// Asserts that `result` has no error; the failure's text has the error otherwise.
template <class T>
::testing::AssertionResult succeeded(const Result<T>& result) {
  if (result) return ::testing::AssertionSuccess();
  const Error& error = result.error();
  return ::testing::AssertionFailure()
         << error.call << ": errno " << error.code << " \"" << error.extack << '"';
}

}  // namespace mptcp::test
