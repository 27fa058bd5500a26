#include "core/held_setting.h"

#include <fcntl.h>
#include <unistd.h>

#include "core/net_file.h"

namespace mptcp {

Result<HeldSetting> HeldSetting::open(const std::string& path, std::string former) {
  auto file = open_net_file(path, O_WRONLY);
  if (!file) return file.error();
  return HeldSetting(std::move(*file), path, std::move(former));
}

Result<void> HeldSetting::change(const std::string& value) {
  if (pwrite(file_.get(), value.data(), value.size(), 0) < 0) return last_error("write " + path_);
  changed_ = true;
  return {};
}

void HeldSetting::restore() {
  if (file_ && changed_ && pwrite(file_.get(), former_.data(), former_.size(), 0) < 0) {
    // The namespace or the privilege is gone, and a destructor cannot report it.
  }
  release();
}

}  // namespace mptcp
