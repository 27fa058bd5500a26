// A setting of the network stack that was changed for as long as somebody holds it.
#pragma once

#include <string>
#include <utility>

#include "core/result.h"
#include "core/unique_fd.h"

namespace mptcp {

class HeldSetting {
 public:
  /// A file under /proc/sys/net/, as the calling thread's network namespace has it. `former` is
  /// what restore() writes.
  static Result<HeldSetting> open(const std::string& path, std::string former);

  HeldSetting(HeldSetting&&) = default;
  HeldSetting& operator=(HeldSetting&&) = delete;
  ~HeldSetting() { restore(); }

  // Any thread: the file stays that of the namespace.

  Result<void> change(const std::string& value);
  /// Best effort, and nothing where nothing was changed, or it was restored or released.
  void restore();
  /// The value stays.
  void release() { file_.reset(); }

 private:
  HeldSetting(UniqueFd file, std::string path, std::string former)
      : file_(std::move(file)), path_(std::move(path)), former_(std::move(former)) {}

  UniqueFd file_;
  std::string path_;
  std::string former_;
  bool changed_ = false;
};

}  // namespace mptcp
