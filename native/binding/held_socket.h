// A file descriptor that JavaScript holds: closed by close(), as garbage, or with the environment.
#pragma once

#include <napi.h>

#include "core/unique_fd.h"

namespace mptcp::binding {

Napi::Object to_js(Napi::Env env, UniqueFd held);

}  // namespace mptcp::binding
