// Changes a setting of the network stack until its holder restores or releases it.
#pragma once

#include <string>
#include <utility>

#include "core/result.h"
#include "core/unique_fd.h"

namespace mptcp {

class HeldSetting {
 public:
  /// Opens a file under /proc/sys/net/ in the calling thread's network namespace. restore() writes
  /// `former`.
  static Result<HeldSetting> open(const std::string& path, std::string former);

  HeldSetting(HeldSetting&&) = default;
  HeldSetting& operator=(HeldSetting&&) = delete;
  ~HeldSetting() { restore(); }

  // Any thread may call these: the open file stays that of the namespace.

  Result<void> change(const std::string& value);
  /// Writes the former value once, if change() was called and release() was not. Errors are
  /// ignored.
  void restore();
  /// Closes the file and keeps the value.
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
