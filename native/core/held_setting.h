// Changes a setting of the network stack until its holder restores or releases it.
#pragma once

#include <optional>
#include <string>
#include <utility>

#include "core/result.h"
#include "core/unique_fd.h"

namespace mptcp {

class HeldSetting {
 public:
  /// Opens a file under /proc/sys/net/ in the calling thread's network namespace. restore() writes
  /// `former`, and removes the file `record`, which says for successors what is to be restored.
  static Result<HeldSetting> open(const std::string& path, std::string former,
                                  std::optional<std::string> record);

  HeldSetting(HeldSetting&&) = default;
  HeldSetting& operator=(HeldSetting&&) = delete;
  ~HeldSetting() { restore(); }

  // Any thread may call these: the open file stays that of the namespace.

  Result<void> change(const std::string& value);
  /// Writes the former value once, if change() was called and release() was not. Errors are
  /// ignored; the record stays where the privilege to write is gone, for the setting is not
  /// restored.
  void restore();
  /// Closes the file and keeps the value.
  void release() { file_.reset(); }

 private:
  HeldSetting(UniqueFd file, std::string path, std::string former,
              std::optional<std::string> record)
      : file_(std::move(file)),
        path_(std::move(path)),
        former_(std::move(former)),
        record_(std::move(record)) {}

  UniqueFd file_;
  std::string path_;
  std::string former_;
  std::optional<std::string> record_;
  bool changed_ = false;
};

}  // namespace mptcp
