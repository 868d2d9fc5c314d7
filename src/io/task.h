#pragma once
// Task<T>: a coroutine that starts at once and is awaited at most once. Eager, so that a million awaits that are
// ready in a loop do not deepen the stack in any build (STYLE.md).
#include <coroutine>
#include <exception>
#include <optional>
#include <utility>

#include "base/check.h"

namespace naru::io {

template <class T>
class Task;

namespace detail {

struct PromiseBase {
  std::coroutine_handle<> then;
  bool detached = false;

  struct Final {
    bool await_ready() noexcept { return false; }
    template <class P>
    std::coroutine_handle<> await_suspend(std::coroutine_handle<P> self) noexcept {
      auto next = self.promise().then;
      if (self.promise().detached) {
        self.destroy();
        return std::noop_coroutine();
      }
      return next ? next : std::noop_coroutine();
    }
    void await_resume() noexcept {}
  };
  std::suspend_never initial_suspend() noexcept { return {}; }
  Final final_suspend() noexcept { return {}; }
  void unhandled_exception() { CHECK(false && "no exceptions in naru"); }
};

template <class T>
struct Promise : PromiseBase {
  std::optional<T> value;
  Task<T> get_return_object();
  template <class U>
  void return_value(U&& v) {
    value.emplace(std::forward<U>(v));
  }
  T take() { return std::move(*value); }
};
template <>
struct Promise<void> : PromiseBase {
  Task<void> get_return_object();
  void return_void() {}
  void take() {}
};

}  // namespace detail

template <class T = void>
class [[nodiscard]] Task {
 public:
  using promise_type = detail::Promise<T>;

  explicit Task(std::coroutine_handle<promise_type> frame) : frame_(frame) {}
  Task(Task&& other) noexcept : frame_(std::exchange(other.frame_, nullptr)) {}
  Task& operator=(Task&& other) noexcept {
    std::swap(frame_, other.frame_);
    return *this;
  }
  /// A task is awaited, detached, or done before it goes: what is running cannot be pulled away.
  ~Task() {
    if (!frame_) return;
    CHECK(frame_.done());
    frame_.destroy();
  }

  bool done() const { return frame_.done(); }
  /// Lets it run on by itself; its result is dropped.
  void detach() && {
    auto frame = std::exchange(frame_, nullptr);
    if (frame.done()) {
      frame.destroy();
    } else {
      frame.promise().detached = true;
    }
  }

  bool await_ready() const noexcept { return frame_.done(); }
  void await_suspend(std::coroutine_handle<> caller) noexcept { frame_.promise().then = caller; }
  T await_resume() { return frame_.promise().take(); }
  /// The result of a task that is done.
  T take() {
    CHECK(frame_.done());
    return frame_.promise().take();
  }

 private:
  std::coroutine_handle<promise_type> frame_;
};

template <class T>
Task<T> detail::Promise<T>::get_return_object() {
  return Task<T>(std::coroutine_handle<Promise<T>>::from_promise(*this));
}
inline Task<void> detail::Promise<void>::get_return_object() {
  return Task<void>(std::coroutine_handle<Promise<void>>::from_promise(*this));
}

/// Something that happens once: one side sets the value, the other awaits it. Set before or after the await.
template <class T>
class Once {
 public:
  Once() = default;
  Once(const Once&) = delete;
  /// Resumes the waiter before it returns; the Once may be gone by then.
  void set(T value) {
    CHECK(!value_);
    value_.emplace(std::move(value));
    if (auto waiter = std::exchange(waiter_, nullptr)) waiter.resume();
  }
  bool is_set() const { return value_.has_value(); }
  bool await_ready() const noexcept { return value_.has_value(); }
  void await_suspend(std::coroutine_handle<> waiter) noexcept { waiter_ = waiter; }
  T await_resume() { return std::move(*value_); }

 private:
  std::optional<T> value_;
  std::coroutine_handle<> waiter_;
};

/// Lets one coroutine sleep until somebody wakes it; a wake-up that comes first is remembered.
class Wakeup {
 public:
  void wake() {
    set_ = true;
    if (auto waiter = std::exchange(waiter_, nullptr)) waiter.resume();
  }
  bool await_ready() const noexcept { return set_; }
  void await_suspend(std::coroutine_handle<> waiter) noexcept { waiter_ = waiter; }
  void await_resume() { set_ = false; }

 private:
  bool set_ = false;
  std::coroutine_handle<> waiter_;
};

}  // namespace naru::io
