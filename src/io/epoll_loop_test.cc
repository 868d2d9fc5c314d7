#include "io/epoll_loop.h"

#include <gtest/gtest.h>

namespace naru::io {
namespace {

/// Runs a loop until the test says stop, or five seconds have passed.
class LoopTest {
 public:
  LoopTest() : limit_(loop, [this] { timed_out = true, loop.stop(); }) { limit_.arm(loop.now() + 5000); }
  void run() { loop.run(); }
  EpollLoop loop;
  std::string order;
  bool timed_out = false;

 private:
  Timer limit_;
};

TEST(epoll_loop, a_turn_runs_what_is_posted_then_its_end) {
  LoopTest t;
  t.loop.at_turn_end([&] { t.order += "end "; });
  t.loop.post([&] {
    t.order += "first ";
    t.loop.post([&] { t.order += "second "; });
  });
  Timer stop(t.loop, [&] { t.loop.stop(); });
  stop.arm(t.loop.now() + 1);
  t.run();
  EXPECT_EQ(t.order, "first second end ");
}

TEST(epoll_loop, timers_fire_in_order_once_and_not_when_cancelled) {
  LoopTest t;
  Timer a(t.loop, [&] { t.order += "a"; }), b(t.loop, [&] { t.order += "b"; }), c(t.loop, [&] { t.order += "c"; });
  Timer stop(t.loop, [&] { t.loop.stop(); });
  a.arm(t.loop.now() + 20);
  b.arm(t.loop.now() + 5);
  c.arm(t.loop.now() + 10);
  c.cancel();
  b.arm(t.loop.now() + 10);
  stop.arm(t.loop.now() + 30);
  t.run();
  EXPECT_EQ(t.order, "ba");
  EXPECT_EQ(a.deadline(), never);
}

TEST(epoll_loop, sleeping_takes_at_least_as_long_as_asked) {
  LoopTest t;
  Millis begin = t.loop.now(), end = 0;
  [](LoopTest& test, Millis until, Millis& woke) -> Task<> {
    co_await test.loop.sleep_until(until);
    woke = test.loop.now();
    test.loop.stop();
  }(t, begin + 15, end)
                                                        .detach();
  t.run();
  EXPECT_GE(end - begin, 15);
}

TEST(epoll_loop, blocking_work_comes_back_to_the_loop_and_lanes_do_not_wait_for_each_other) {
  LoopTest t;
  std::atomic<bool> journal_done = false;
  std::thread::id here = std::this_thread::get_id(), there, back;
  [](LoopTest& test, std::atomic<bool>& done, std::thread::id& at) -> Task<> {
    int number = co_await work(test.loop, Lane::bulk, [&] {
      while (!done) std::this_thread::yield();  // until the other lane has finished
      return 7;
    });
    at = std::this_thread::get_id();
    EXPECT_EQ(number, 7);
    test.loop.stop();
  }(t, journal_done, back)
                                                                          .detach();
  t.loop.work(Lane::journal, [&] { there = std::this_thread::get_id(); }, [&] { journal_done = true; });
  t.run();
  EXPECT_FALSE(t.timed_out);
  EXPECT_EQ(back, here);
  EXPECT_NE(there, here);
}

TEST(epoll_loop, a_call_from_another_thread_wakes_a_sleeping_loop) {
  LoopTest t;
  int calls = 0;
  std::thread other([&] {
    for (int i = 0; i < 1000; ++i)
      t.loop.send([&] {
        if (++calls == 1000) t.loop.stop();
      });
  });
  t.run();
  other.join();
  EXPECT_EQ(calls, 1000);
}

TEST(epoll_loop, jobs_that_run_at_the_end_are_finished_before_the_loop_goes) {
  std::atomic<int> done = 0;
  {
    EpollLoop loop;
    for (int i = 0; i < 10; ++i) loop.work(Lane::bulk, [&] { ++done; }, [] {});
  }
  EXPECT_EQ(done, 10);
}

}  // namespace
}  // namespace naru::io
