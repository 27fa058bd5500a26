// Queues the items of a watcher between its thread and JavaScript, up to a limit.
#pragma once

#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <utility>

#include "binding/records.h"
#include "core/result.h"

namespace mptcp::binding {

constexpr int64_t kUnknownLoss = -1;

/// Holds consecutive items, and how many were lost before them.
struct Batch {
  int64_t lost = 0;  // kUnknownLoss if unknown
  Records items;
};

class Inbox {
 public:
  struct Next {
    std::optional<Batch> batch;
    std::optional<Error> failure;  // follows the last batch
    bool more = false;
  };

  explicit Inbox(size_t limit) : limit_(limit) {}

  // These run on the thread.

  /// Adds the first batch, which is empty if JavaScript receives it before an item arrives.
  void open() {
    const std::lock_guard lock(mutex_);
    batches_.emplace_back();
  }

  template <class Item>
  void put(const Item& item) {
    const std::lock_guard lock(mutex_);
    if (size_ == limit_) return count_lost(1);
    ++size_;
    if (batches_.empty() || batches_.back().items.size() == kBatch) batches_.emplace_back();
    batches_.back().items.add(item);
  }

  /// Notes that `count` items, or kUnknownLoss, are missing after those so far.
  void lose(int64_t count) {
    const std::lock_guard lock(mutex_);
    count_lost(count);
  }

  void fail(const Error& error) {
    const std::lock_guard lock(mutex_);
    failure_ = error;
  }

  /// Removes the next batch, on the JavaScript thread.
  Next next() {
    const std::lock_guard lock(mutex_);
    Next result;
    if (batches_.empty()) {
      result.failure = std::exchange(failure_, std::nullopt);
    } else {
      result.batch = std::move(batches_.front());
      batches_.pop_front();
      size_ -= result.batch->items.size();
    }
    result.more = !batches_.empty() || failure_;
    return result;
  }

 private:
  // A batch is small, so that its conversion is a short turn of the event loop.
  static constexpr size_t kBatch = 64;

  void count_lost(int64_t count) {
    if (batches_.empty() || batches_.back().items.size() > 0) batches_.emplace_back();
    int64_t& lost = batches_.back().lost;
    const bool unknown = lost == kUnknownLoss || count == kUnknownLoss;
    lost = unknown ? kUnknownLoss : lost + count;
  }

  const size_t limit_;
  std::mutex mutex_;
  size_t size_ = 0;
  std::deque<Batch> batches_;
  std::optional<Error> failure_;
};

}  // namespace mptcp::binding
