// Tests against the running kernel: each in a network namespace of its own.
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "core/address.h"
#include "core/netlink/socket.h"
#include "core/unique_fd.h"

namespace mptcp::test {

/// Moves the test's thread into a new network namespace with loopback up. Where that cannot be had
/// the test is skipped, or fails if MPTCP_TEST_REQUIRE_ALL is set.
class KernelTest : public ::testing::Test {
 protected:
  void SetUp() override;
};

/// Unless root: a user namespace in which this process may make network namespaces. Before threads.
void enter_user_namespace();

/// The network namespace of the calling thread.
UniqueFd current_network_namespace();

/// Whether there is something to read, at once or within half a minute.
bool wait_readable(int fd);

/// Adds an address to loopback and waits until it is usable, or removes it.
Result<void> add_loopback_address(netlink::Socket& route, const Address& address);
Result<void> delete_loopback_address(netlink::Socket& route, const Address& address);
netlink::Message loopback_address_message(uint16_t type, const Address& address);

/// Of this namespace: "net/mptcp/enabled".
std::string read_sysctl(const std::string& name);
void write_sysctl(const std::string& name, const std::string& value);

/// The address that `text` says; the test's own constants alone.
Address address_of(const std::string& text, uint16_t port = 0);

/// `result` as an assertion, with the error in the failure's text.
template <class T>
::testing::AssertionResult succeeded(const Result<T>& result) {
  if (result) return ::testing::AssertionSuccess();
  const Error& error = result.error();
  return ::testing::AssertionFailure()
         << error.call << ": errno " << error.code << " \"" << error.extack << '"';
}

}  // namespace mptcp::test
