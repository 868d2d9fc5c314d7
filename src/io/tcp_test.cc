// TCP over real loopback sockets: both ends are Streams on one loop.
#include "io/tcp.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <thread>

#include "io/folder_testing.h"
#include "io/posix_disk.h"

namespace naru::io {
namespace {

class TcpTest : public ::testing::Test {
 protected:
  TcpTest() : limit_(loop, [this] { ADD_FAILURE() << "took too long", loop.stop(); }) {
    limit_.arm(loop.now() + 10'000);
    listener_ = *listen(loop, {"127.0.0.1", 0}, [this](Socket socket) {
      broker = adopt(loop, std::move(socket));
      ready();
    });
  }
  ~TcpTest() override { client.reset(), broker.reset(), listener_.reset(); }

  /// Connects, then runs the task until it is done.
  template <class Body>
  void run(Body body) {
    int fd = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address = address_of_listener();
    ASSERT_EQ(::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    ASSERT_EQ(::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) | O_NONBLOCK), 0);
    client = adopt(loop, Socket(fd));
    ready = [&] { start(*this, body).detach(); };
    loop.run();
  }
  sockaddr_in address_of_listener() const {
    return {.sin_family = AF_INET,
            .sin_port = htons(listener_->endpoint().port),
            .sin_addr = {htonl(INADDR_LOOPBACK)},
            .sin_zero = {}};
  }
  static Task<> start(TcpTest& test, auto& body) {
    co_await body();
    test.loop.stop();
  }
  static Task<std::string> read_exactly(Stream& from, size_t bytes, size_t at_once = 1000) {
    std::string got;
    Bytes into(at_once);
    while (got.size() < bytes) {
      auto n = co_await from.read(std::span(into).first(std::min(at_once, bytes - got.size())));
      if (!n || *n == 0) co_return got + (n ? " end" : std::string(" ") + name(n.error().code));
      got += text(ByteView(into).first(*n));
    }
    co_return got;
  }
  static Bytes bytes(std::string_view of) { return Bytes(of.begin(), of.end()); }

  EpollLoop loop;
  std::unique_ptr<Stream> client, broker;
  std::function<void()> ready;  // when a connection has come

 private:
  std::unique_ptr<TcpListener> listener_;
  Timer limit_;
};
using tcp = TcpTest;

TEST_F(tcp, what_is_sent_in_pieces_arrives_in_order_however_it_is_read) {
  auto body = [this]() -> Task<> {
    for (const char* piece : {"a", "bc", "", "defg"}) client->send(bytes(piece));
    std::string got = co_await read_exactly(*broker, 7, 2);
    EXPECT_EQ(got, "abcdefg");
    EXPECT_EQ(client->queued(), 0u);
    EXPECT_TRUE(broker->peer().starts_with("127.0.0.1:"));
    EXPECT_EQ(broker->local_host(), "127.0.0.1");
  };
  run(body);
}

TEST_F(tcp, a_peer_that_does_not_read_fills_the_queue_and_drained_waits_for_it) {
  auto body = [this]() -> Task<> {
    constexpr size_t total = 24 * MiB;
    for (size_t i = 0; i < total / MiB; ++i) broker->send(Bytes(MiB, static_cast<uint8_t>('a' + i)));
    co_await loop.sleep_until(loop.now() + 50);
    EXPECT_GT(broker->queued(), 0u) << "the kernel does not take it all";
    EXPECT_GT(broker->untaken(), broker->queued()) << "and of what it took not all has arrived";
    bool drained = false;
    auto wait = [](Stream& stream, bool& done) -> Task<> {
      auto result = co_await stream.drained(MiB);
      done = result.has_value();
    };
    auto waiting = wait(*broker, drained);
    EXPECT_FALSE(drained);
    std::string got = co_await read_exactly(*client, total, 300'000);
    EXPECT_EQ(got.size(), total);
    EXPECT_EQ(got.front(), 'a');
    EXPECT_EQ(got.back(), static_cast<char>('a' + total / MiB - 1));
    EXPECT_TRUE(drained);
    co_await waiting;
  };
  run(body);
}

TEST_F(tcp, file_ranges_and_bytes_leave_in_the_order_they_were_given) {
  TempFolder folder;
  auto disk = *open_disk(folder.path);
  std::shared_ptr<File> file = *disk->open("f", Open::create);
  Bytes contents(3 * MiB);
  for (size_t i = 0; i < contents.size(); ++i) contents[i] = static_cast<uint8_t>(i * 31 >> 5);
  ASSERT_TRUE(file->write(0, ByteView(contents)));
  ASSERT_TRUE(disk->remove("f"));
  auto body = [&]() -> Task<> {
    broker->send(bytes("<"));
    broker->send(FileRange{file, 5, contents.size() - 10});
    broker->send(bytes("|"));
    broker->send(FileRange{file, 0, 4});
    broker->send(FileRange{file, 0, 0});
    broker->send(bytes(">"));
    file.reset();
    std::string got = co_await read_exactly(*client, contents.size() - 10 + 7, 100'000);
    std::string expected = "<" + std::string(text(ByteView(contents).subspan(5, contents.size() - 10))) + "|" +
                           std::string(text(ByteView(contents).first(4))) + ">";
    EXPECT_TRUE(got == expected);
  };
  run(body);
}

TEST_F(tcp, a_range_that_memory_forgot_is_loaded_and_sent_whole) {
  TempFolder folder;
  auto disk = *open_disk(folder.path);
  std::shared_ptr<File> file = *disk->open("f", Open::create);
  Bytes contents(5 * MiB + 123);
  for (size_t i = 0; i < contents.size(); ++i) contents[i] = static_cast<uint8_t>(i * 37 >> 6);
  ASSERT_TRUE(file->write(0, ByteView(contents)));
  ASSERT_TRUE(file->sync());
  ASSERT_TRUE(disk->remove("f"));
  file->forget(0, contents.size());
  auto body = [&]() -> Task<> {
    broker->send(FileRange{file, 0, contents.size()});
    broker->send(bytes("|"));
    broker->send(FileRange{file, 7, 1000, /*just_written=*/true});
    std::string got = co_await read_exactly(*client, contents.size() + 1001, 300'000);
    std::string expected = std::string(text(contents)) + "|" + std::string(text(ByteView(contents).subspan(7, 1000)));
    EXPECT_TRUE(got == expected);
    file->forget(0, contents.size());
    broker->send(FileRange{file, 0, contents.size()});  // nobody takes it: the end comes while it is being loaded
    broker->close();
  };
  run(body);
}

TEST_F(tcp, closing_while_somebody_reads_and_drains_wakes_both) {
  auto body = [this]() -> Task<> {
    std::string happened;
    auto read = [](Stream& stream, std::string& to) -> Task<> {
      Bytes into(10);
      auto n = co_await stream.read(into);
      to += n ? "read " : std::string(name(n.error().code)) + " ";
    };
    auto drain = [](Stream& stream, std::string& to) -> Task<> {
      auto done = co_await stream.drained(0);
      to += done ? "drained " : std::string(name(done.error().code)) + " ";
    };
    for (int i = 0; i < 16; ++i) broker->send(Bytes(MiB));
    co_await loop.sleep_until(loop.now() + 20);
    auto reading = read(*broker, happened);
    auto draining = drain(*broker, happened);
    EXPECT_EQ(happened, "");
    broker->close();
    EXPECT_EQ(happened, "closed closed ");
    broker->send(bytes("nobody hears this"));
    EXPECT_EQ(broker->queued(), 0u);
    co_await reading;
    co_await draining;
  };
  run(body);
}

TEST_F(tcp, several_may_wait_until_less_is_queued_each_for_its_own_amount) {
  auto body = [this]() -> Task<> {
    constexpr size_t total = 24 * MiB;
    for (size_t i = 0; i < total / MiB; ++i) broker->send(Bytes(MiB));
    co_await loop.sleep_until(loop.now() + 20);
    EXPECT_GT(broker->queued(), 2 * MiB) << "the kernel does not take it all";
    std::string happened;
    auto wait = [](Stream& stream, uint64_t bytes, std::string& to) -> Task<> {
      auto result = co_await stream.drained(bytes);
      to += (result ? "drained to " : "closed at ") + std::to_string(bytes) + ", ";
    };
    auto all = wait(*broker, 0, happened);
    auto half = wait(*broker, 2 * MiB, happened);
    auto end = wait(*broker, 0, happened);
    (void)co_await read_exactly(*client, total, 300'000);
    EXPECT_EQ(happened, "drained to 2097152, drained to 0, drained to 0, ");
    co_await all;
    co_await half;
    co_await end;
  };
  run(body);
}

TEST_F(tcp, the_end_of_the_peer_is_told_also_while_nobody_reads_and_what_it_sent_before_can_be_read) {
  auto body = [this]() -> Task<> {
    bool ended = false;
    broker->on_end([&] { ended = true; });
    client->send(bytes("last words"));
    co_await loop.sleep_until(loop.now() + 20);
    EXPECT_FALSE(ended);
    client->close();
    co_await loop.sleep_until(loop.now() + 20);
    EXPECT_TRUE(ended);
    EXPECT_EQ(co_await read_exactly(*broker, 100, 3), "last words end");
  };
  run(body);
}

TEST_F(tcp, the_end_of_the_peer_is_told_also_to_who_asks_after_it_came) {
  bool told = false;
  run([&]() -> Task<> {
    client->send(bytes("x"));
    (void)co_await client->drained(0);
    client->close();
    co_await broker->readable();
    co_await loop.sleep_until(loop.now() + 20);
    Wakeup wakeup;
    broker->on_end([&] { told = true, wakeup.wake(); });
    if (!told) co_await wakeup;
  });
  EXPECT_TRUE(told);
}

TEST_F(tcp, a_peer_that_sends_without_end_leaves_others_their_turn) {
  Timer others(loop, [] {});
  std::atomic<bool> enough = false;
  std::thread flood;
  run([&]() -> Task<> {
    co_await loop.sleep_until(loop.now() + 1);
    int fd = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address = address_of_listener();
    ready = [] {};
    CHECK(::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    flood = std::thread([fd, &enough] {
      Bytes much(4 * MiB);
      while (!enough && ::send(fd, much.data(), much.size(), MSG_NOSIGNAL) > 0) {
      }
      ::close(fd);
    });
    co_await loop.sleep_until(loop.now() + 20);
    others.arm(loop.now() + 10);
    Bytes into(1000);  // far slower than the peer: there always is more
    while (others.deadline() != never && *co_await broker->read(into) > 0) {
    }
  });
  enough = true;
  broker->close();
  flood.join();
}

TEST_F(tcp, a_stream_may_go_inside_of_what_its_end_calls) {
  auto body = [this]() -> Task<> {
    broker->on_end([this] { broker.reset(); });
    client.reset();
    co_await loop.sleep_until(loop.now() + 30);
    EXPECT_EQ(broker, nullptr);
  };
  run(body);
}

TEST(endpoint, is_parsed_from_what_people_write) {
  auto parse = [](std::string_view text) {
    auto endpoint = parse_endpoint(text);
    return endpoint ? endpoint->host + "|" + std::to_string(endpoint->port) : "refused";
  };
  EXPECT_EQ(parse("127.0.0.1:9092"), "127.0.0.1|9092");
  EXPECT_EQ(parse("[::1]:9092"), "::1|9092");
  for (const char* miss : {"", "host", "host:", "host:x", "host:70000", "[::1:9092"})
    EXPECT_EQ(parse(miss), "refused") << miss;
}

int connect_to(const Endpoint& at) {
  int fd = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{
      .sin_family = AF_INET, .sin_port = htons(at.port), .sin_addr = {htonl(INADDR_LOOPBACK)}, .sin_zero = {}};
  EXPECT_EQ(::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  return fd;
}

TEST(tcp_listener, takes_as_many_as_its_limit_and_the_next_one_when_one_has_gone) {
  EpollLoop loop;
  auto limit = std::make_shared<SocketLimit>(2);
  std::vector<std::unique_ptr<Stream>> taken;
  auto on_accept = [&](Socket socket) { taken.push_back(adopt(loop, std::move(socket))); };
  auto listener = *listen(loop, {"127.0.0.1", 0}, on_accept, limit);
  int clients[] = {connect_to(listener->endpoint()), connect_to(listener->endpoint()),
                   connect_to(listener->endpoint())};
  size_t before = 0;
  Timer look(loop, [&] {
    before = taken.size();
    taken.front()->close();
  });
  look.arm(loop.now() + 50);
  Timer end(loop, [&] { loop.stop(); });
  end.arm(loop.now() + 300);
  loop.run();
  EXPECT_EQ(before, 2u);
  EXPECT_EQ(taken.size(), 3u);
  for (int fd : clients) ::close(fd);
}

}  // namespace
}  // namespace naru::io
