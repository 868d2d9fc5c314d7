// The least that a server of SQS must do, as a yardstick: Boost.Beast reads a request, a constant is the answer. One
// thread, nothing is parsed, stored or synced. What naru reaches of this figure is what the rest costs.
//
//   http_limit --port P
//
// A ReceiveMessage that asks to wait is parked for its 20 seconds, so that parked polls can be weighed as well.
#include <boost/asio.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <optional>

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using boost::system::error_code;

namespace {

constexpr const char* sent =
    R"({"MD5OfMessageBody":"00000000000000000000000000000000","MessageId":"00000000-0000-0000-0000-000000000000"})";

class Session : public std::enable_shared_from_this<Session> {
 public:
  explicit Session(asio::ip::tcp::socket socket) : socket_(std::move(socket)), timer_(socket_.get_executor()) {
    socket_.set_option(asio::ip::tcp::no_delay(true));
  }
  void read() {
    parser_.emplace();
    parser_->body_limit(16u << 20);
    http::async_read(socket_, buffer_, *parser_, [self = shared_from_this()](error_code error, size_t) {
      if (!error) self->answer();
    });
  }

 private:
  void answer() {
    const auto& request = parser_->get();
    if (request.body().find("\"WaitTimeSeconds\":20") == std::string::npos)
      return write(request["X-Amz-Target"].ends_with("SendMessage") ? sent : "{}");
    timer_.expires_after(std::chrono::seconds(20));
    timer_.async_wait([self = shared_from_this()](error_code error) {
      if (!error) self->write("{}");
    });
  }

  void write(const char* body) {
    response_ = {http::status::ok, 11};
    response_.set(http::field::content_type, "application/x-amz-json-1.0");
    response_.set("x-amzn-RequestId", "00000000-0000-0000-0000-000000000000");
    response_.body() = body;
    response_.prepare_payload();
    http::async_write(socket_, response_, [self = shared_from_this()](error_code error, size_t) {
      if (!error) self->read();
    });
  }

  asio::ip::tcp::socket socket_;
  asio::steady_timer timer_;
  beast::flat_buffer buffer_;
  std::optional<http::request_parser<http::string_body>> parser_;
  http::response<http::string_body> response_;
};

void accept(asio::ip::tcp::acceptor& acceptor) {
  acceptor.async_accept([&acceptor](error_code error, asio::ip::tcp::socket socket) {
    if (!error) std::make_shared<Session>(std::move(socket))->read();
    accept(acceptor);
  });
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3 || std::strcmp(argv[1], "--port") != 0) return 2;
  asio::io_context loop(1);
  asio::ip::tcp::acceptor acceptor(loop, {asio::ip::address_v4::loopback(), static_cast<uint16_t>(std::atoi(argv[2]))});
  accept(acceptor);
  loop.run();
}
