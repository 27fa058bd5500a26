// Runs a thread for a JavaScript object and delivers to JavaScript by thread-safe functions.
#include "binding/background.h"

#include <system_error>
#include <utility>

#include "binding/errors.h"

namespace mptcp::binding {

Background::Background(Napi::Env env, Napi::Object owner, Parts parts)
    : env_(env), parts_(std::move(parts)), owner_(Napi::Weak(owner)) {
  for (auto& function : functions_) {
    napi_create_threadsafe_function(env, nullptr, nullptr, Napi::String::New(env, parts_.name), 0,
                                    1, nullptr, nullptr, this, on_posted, &function);
    napi_unref_threadsafe_function(env, function);
  }
  // Hooks run in reverse order: this one runs before those that release the functions.
  napi_add_env_cleanup_hook(env, on_teardown, this);
  try {
    thread_.emplace(parts_.name, [this](WorkerThread& thread) {
      parts_.run(thread);
      finished_ = true;
      post();
    });
  } catch (const std::system_error& error) {
    end();
    throw to_js_error(env, thread_error(error, parts_.name));
  }
}

Background::~Background() { end(); }

void Background::post() {
  if (ended() || posted_.exchange(true)) return;
  napi_call_threadsafe_function(functions_[turn_], nullptr, napi_tsfn_nonblocking);
}

void Background::wake() {
  if (thread_) thread_->wake();
}

void Background::hold(bool owner, bool loop) {
  hold_owner_ = owner;
  hold_loop_ = loop;
  update_holds();
}

void Background::update_holds() {
  if (ended()) return;
  const bool owner = hold_owner_ || !closed_.empty();
  if (std::exchange(owner_is_held_, owner) != owner) owner ? owner_.Ref() : owner_.Unref();
  const bool loop = hold_loop_ || !closed_.empty();
  if (std::exchange(loop_is_held_, loop) == loop) return;
  if (loop) {
    napi_ref_threadsafe_function(env_, functions_[0]);
  } else {
    napi_unref_threadsafe_function(env_, functions_[0]);
  }
}

Napi::Value Background::thread_id(Napi::Env env) const {
  return Napi::Number::New(env, thread_ ? thread_->id() : thread_id_);
}

void Background::close(std::optional<Napi::Function> closed) {
  if (closed) closed_.push_back(Napi::Persistent(*closed));
  update_holds();
  if (thread_) {
    thread_->stop();
  } else {
    post();
  }
}

void Background::on_posted(napi_env env, napi_value, void* self, void*) {
  if (env == nullptr) return;  // the function was released during the call
  auto* background = static_cast<Background*>(self);
  const Napi::HandleScope scope(env);
  const Napi::Object owner = background->owner_.Value();
  if (owner.IsEmpty()) return;  // it is garbage, about to be destroyed
  try {
    background->deliver(env);
  } catch (const Napi::Error& error) {
    napi_fatal_exception(env, error.Value());
  }
}

void Background::deliver(Napi::Env env) {
  turn_ = 1 - turn_;
  posted_ = false;
  const bool finished = finished_;  // must be read before the last items of the thread
  parts_.deliver(env);
  if (!finished) return;
  if (thread_) {
    thread_id_ = thread_->id();
    thread_.reset();
  }
  const auto closed = std::exchange(closed_, {});
  for (const auto& callback : closed) call_from_delivery(env, callback.Value(), {});
  update_holds();
}

void Background::on_teardown(void* self) { static_cast<Background*>(self)->end(); }

void Background::end() {
  thread_.reset();
  if (ended()) return;
  napi_remove_env_cleanup_hook(env_, on_teardown, this);
  for (auto& function : functions_) {
    napi_release_threadsafe_function(std::exchange(function, nullptr), napi_tsfn_abort);
  }
}

void call_from_delivery(Napi::Env env, const Napi::Function& function,
                        const std::vector<napi_value>& arguments) {
  const Napi::HandleScope scope(env);
  if (napi_call_function(env, env.Undefined(), function, arguments.size(), arguments.data(),
                         nullptr) == napi_ok) {
    return;
  }
  bool thrown = false;  // an environment that is ending throws nothing
  napi_is_exception_pending(env, &thrown);
  napi_value error = nullptr;
  if (thrown && napi_get_and_clear_last_exception(env, &error) == napi_ok) {
    napi_fatal_exception(env, error);
  }
}

}  // namespace mptcp::binding
