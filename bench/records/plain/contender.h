// Makes plain Node-API objects: the thread keeps its items, and the event loop converts them.
#pragma once

#include <vector>

#include "binding/records.h"

namespace mptcp::binding {

template <class T>
class Contender {
 public:
  void add(T&& item) { items_.push_back(std::move(item)); }
  Napi::Value to_js(Napi::Env env) const {
    Records to(env);
    return {env, to.value_of(items_)};
  }

 private:
  std::vector<T> items_;
};

}  // namespace mptcp::binding
