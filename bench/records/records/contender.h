// Makes records: the thread writes its items to them, and the event loop reads them by one call.
#pragma once

#include "binding/records.h"

namespace mptcp::binding {

template <class T>
class Contender {
 public:
  void add(T&& item) { records_.add(item); }
  Napi::Value to_js(Napi::Env env) const { return records_.to_js(env); }

 private:
  Records records_;
};

}  // namespace mptcp::binding
