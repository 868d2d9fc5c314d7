// The coroutine shapes that g++ 12 gets wrong; exits 0 on a compiler that gets them right.
// Each object counts its lives, so a double free or an early death shows as a non-zero balance.
#include <coroutine>
#include <exception>
#include <expected>
#include <string>
#include <utility>

static int alive = 0, broken = 0;

struct Tracked {
  Tracked* self;
  int value;
  explicit Tracked(int v) : self(this), value(v) { ++alive; }
  Tracked(const Tracked& o) : self(this), value(o.value) {
    broken += o.self != &o;
    ++alive;
  }
  Tracked(Tracked&& o) noexcept : self(this), value(o.value) {
    broken += o.self != &o;
    ++alive;
  }
  ~Tracked() {
    broken += self != this;
    self = nullptr;
    --alive;
  }
};

struct Later {  // suspends once, so that the frame really leaves the stack
  std::coroutine_handle<>* slot;
  bool await_ready() const { return false; }
  void await_suspend(std::coroutine_handle<> h) { *slot = h; }
  void await_resume() const {}
};
static std::coroutine_handle<> parked;

struct Task {
  struct promise_type {
    std::coroutine_handle<> then = std::noop_coroutine();
    int value = 0;
    Task get_return_object() { return {std::coroutine_handle<promise_type>::from_promise(*this)}; }
    std::suspend_never initial_suspend() noexcept { return {}; }
    auto final_suspend() noexcept {
      struct Final {
        bool await_ready() noexcept { return false; }
        std::coroutine_handle<> await_suspend(std::coroutine_handle<promise_type> h) noexcept {
          return h.promise().then;
        }
        void await_resume() noexcept {}
      };
      return Final{};
    }
    void return_value(int v) { value = v; }
    void unhandled_exception() { std::terminate(); }
  };
  std::coroutine_handle<promise_type> h;
  Task(std::coroutine_handle<promise_type> handle) : h(handle) {}
  Task(Task&& o) noexcept : h(std::exchange(o.h, nullptr)) {}
  ~Task() {
    if (h) h.destroy();
  }
  bool await_ready() const { return h.done(); }
  void await_suspend(std::coroutine_handle<> c) { h.promise().then = c; }
  int await_resume() const { return h.promise().value; }
};

struct Request {
  Tracked a;
  std::string text;
};
static Task leaf(int v) {
  co_await Later{&parked};
  co_return v;
}
static Task take(Request r) {
  co_await Later{&parked};
  co_return r.a.value;
}
template <class F>
static Task call(F f) {
  co_await Later{&parked};
  co_return f();
}
static Task conditions() {
  if (co_await leaf(1)) co_return 1;
  co_return 0;
}
static Task ternary(bool c) {
  int v = c ? co_await leaf(2) : co_await leaf(3);
  co_return v;
}
static Task whole(bool c) { co_return co_await (c ? leaf(4) : leaf(5)); }
static Task aggregate() { co_return co_await take(Request{.a = Tracked(6), .text = std::string(64, 'x')}); }
static Task lambda() {
  Tracked t(7);
  co_return co_await call([t] { return t.value; });
}
static Task array() {
  Tracked a[2] = {Tracked(co_await leaf(8)), Tracked(co_await leaf(9))};
  co_return a[0].value + a[1].value;
}

static int run(Task t) {
  while (!t.h.done()) std::exchange(parked, nullptr).resume();
  return t.h.promise().value;
}

int main() {
  bool right = run(conditions()) == 1 && run(ternary(true)) == 2 && run(ternary(false)) == 3 &&
               run(whole(false)) == 5 && run(aggregate()) == 6 && run(lambda()) == 7 && run(array()) == 17;
  std::expected<int, int> e = 1;
  return right && alive == 0 && broken == 0 && e ? 0 : 1;
}
