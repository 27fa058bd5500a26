#include "core/held_setting.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "core/net_file.h"

namespace mptcp {

Result<HeldSetting> HeldSetting::open(const std::string& path, std::string former,
                                      std::optional<std::string> record) {
  auto file = open_net_file(path, O_WRONLY);
  if (!file) return file.error();
  return HeldSetting(std::move(*file), path, std::move(former), std::move(record));
}

Result<void> HeldSetting::change(const std::string& value) {
  if (pwrite(file_.get(), value.data(), value.size(), 0) < 0) return last_error("write " + path_);
  changed_ = true;
  return {};
}

void HeldSetting::restore() {
  if (file_ && changed_) {
    // A destructor cannot report that the namespace or the privilege is gone.
    const bool restored = pwrite(file_.get(), former_.data(), former_.size(), 0) >= 0;
    const bool refused = !restored && (errno == EPERM || errno == EACCES || errno == EROFS);
    if (record_ && !refused) unlink(record_->c_str());
  }
  release();
}

}  // namespace mptcp
