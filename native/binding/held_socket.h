// Makes JavaScript objects that own a socket or a setting until they are closed or garbage.
#pragma once

#include <napi.h>

#include "core/held_setting.h"
#include "core/unique_fd.h"

namespace mptcp::binding {

/// Makes a NativeHeldSocket, which close() closes.
Napi::Object to_js(Napi::Env env, UniqueFd held);

/// Makes a NativeHeldSetting, which restores the setting at the latest as garbage or with the
/// environment.
Napi::Object to_js(Napi::Env env, HeldSetting held);

}  // namespace mptcp::binding
