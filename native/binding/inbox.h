// The bounded queue of a watcher, between the thread that reads and JavaScript.
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

/// What came one after the other, and how many items were lost before it.
struct Batch {
  int64_t lost = 0;  // or kUnknownLoss
  Records items;
};

class Inbox {
 public:
  struct Next {
    std::optional<Batch> batch;
    std::optional<Error> failure;  // after all batches
    bool more = false;
  };

  explicit Inbox(size_t limit) : limit_(limit) {}

  // On the thread.

  /// The first batch, empty unless items come before it is taken.
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

  /// `count` items are missing after those that were put.
  void lose(int64_t count) {
    const std::lock_guard lock(mutex_);
    count_lost(count);
  }

  void fail(const Error& error) {
    const std::lock_guard lock(mutex_);
    failure_ = error;
  }

  /// On the JavaScript thread.
  Next take() {
    const std::lock_guard lock(mutex_);
    Next next;
    if (batches_.empty()) {
      next.failure = std::exchange(failure_, std::nullopt);
    } else {
      next.batch = std::move(batches_.front());
      batches_.pop_front();
      size_ -= next.batch->items.size();
    }
    next.more = !batches_.empty() || failure_;
    return next;
  }

 private:
  // Small, so that JavaScript's part in one is a short turn of the event loop.
  static constexpr size_t kBatch = 256;

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
