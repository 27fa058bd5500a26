// What JavaScript holds, and gives back as garbage and with the environment at the latest.
#pragma once

#include <napi.h>

#include "core/held_setting.h"
#include "core/unique_fd.h"

namespace mptcp::binding {

/// NativeHeldSocket, closed by close().
Napi::Object to_js(Napi::Env env, UniqueFd held);

/// NativeHeldSetting: what still has to be restored is, as garbage and with the environment too.
Napi::Object to_js(Napi::Env env, HeldSetting held);

}  // namespace mptcp::binding
