#include "binding/scope_resolver.h"

#include <utility>
#include <variant>

namespace mptcp::binding {

void ScopeResolver::operator()(Address& address) {
  if (auto resolved = scopes_.resolve(address); !resolved && result_) result_ = std::move(resolved);
}

void ScopeResolver::operator()(pm::CreateSubflow& command) {
  (*this)(command.local);
  (*this)(command.remote);
}

void ScopeResolver::operator()(pm::DestroySubflow& command) {
  (*this)(command.local);
  (*this)(command.remote);
}

void ScopeResolver::operator()(pm::SetSubflowFlags& command) {
  (*this)(command.local);
  (*this)(command.remote);
}

void ScopeResolver::operator()(std::vector<pm::Command>& commands) {
  for (pm::Command& command : commands) std::visit(*this, command);
}

void ScopeResolver::operator()(sock_diag::Filter& filter) {
  if (filter.local) (*this)(*filter.local);
  if (filter.remote) (*this)(*filter.remote);
}

}  // namespace mptcp::binding
