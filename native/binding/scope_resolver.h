// Resolves the scopes of the addresses in requests from JavaScript. Each struct has an overload
// that names its addresses: a struct without one does not compile.
#pragma once

#include <vector>

#include "binding/interface_names.h"
#include "core/address.h"
#include "core/mptcp_pm.h"
#include "core/result.h"
#include "core/sock_diag.h"

namespace mptcp::binding {

class ScopeResolver {
 public:
  explicit ScopeResolver(const InterfaceScopes& scopes) : scopes_(scopes) {}

  void operator()(Address& address);
  void operator()(pm::Endpoint& endpoint) { (*this)(endpoint.address); }

  void operator()(pm::AddEndpoint& command) { (*this)(command.endpoint); }
  void operator()(pm::DeleteEndpoint& command) { (*this)(command.address); }
  void operator()(pm::GetEndpoint&) {}
  void operator()(pm::FlushEndpoints&) {}
  void operator()(pm::SetEndpointFlags& command) { (*this)(command.address); }
  void operator()(pm::SetLimits&) {}
  void operator()(pm::GetLimits&) {}
  void operator()(pm::Announce& command) { (*this)(command.endpoint); }
  void operator()(pm::Remove&) {}
  void operator()(pm::CreateSubflow& command);
  void operator()(pm::DestroySubflow& command);
  void operator()(pm::SetSubflowFlags& command);
  void operator()(std::vector<pm::Command>& commands);

  void operator()(sock_diag::Filter& filter);

  /// Returns the first error.
  const Result<void>& result() const { return result_; }

 private:
  const InterfaceScopes& scopes_;
  Result<void> result_;
};

/// Resolves all of them, on the thread that has entered the network namespace. Fails with ENODEV if
/// an interface does not exist there.
template <class T>
Result<void> resolve_scopes(T& request, const InterfaceScopes& scopes) {
  ScopeResolver resolver(scopes);
  resolver(request);
  return resolver.result();
}

}  // namespace mptcp::binding
