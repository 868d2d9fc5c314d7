// The way to an open connection: the greeting, the login, the limits that both sides agree on.
#include "amqp/server_properties.h"
#include "amqp/session.h"
#include "io/logger.h"

namespace naru::amqp {
namespace {

constexpr uint16_t server_channel_max = 2047, server_heartbeat_s = 60;
constexpr io::Millis failed_login_ms = 3'000;  // until a connection that could not log in is closed without a word

}  // namespace

/// False if the connection must end.
bool Session::greet() {
  switch (read_greeting(greeting_)) {
    case Greeting::incomplete: return true;
    case Greeting::amqp_0_9_1: break;
    default:
      append(out_, protocol_header);
      written();
      return false;
  }
  state_ = State::starting;
  // What follows the header was read together with it.
  greeting_.erase(greeting_.begin(), greeting_.begin() + protocol_header_bytes);
  frames_.feed(greeting_);
  FieldTable properties = server_properties(core_);
  // EXTERNAL is offered to who has no certificate too: a refused login says more than no mechanism.
  ConnectionStart start{.server_properties = properties.view(),
                        .mechanisms = tls_ ? "PLAIN AMQPLAIN EXTERNAL" : "PLAIN AMQPLAIN"};
  send(0, start);
  return true;
}

bool Session::start_ok(ByteView payload) {
  auto ok = decode_method<ConnectionStartOk>(payload);
  if (!ok) return refuse({ReplyCode::syntax_error, "malformed connection.start-ok"}, Method::connection_start_ok);
  client_properties_ = FieldTable(ok->client_properties);
  mechanism_ = ok->mechanism;
  bool external = ok->mechanism == "EXTERNAL" && tls_ != nullptr;
  if (ok->mechanism != "PLAIN" && ok->mechanism != "AMQPLAIN" && !external)
    return refuse({ReplyCode::channel_error, "unknown authentication mechanism '" + std::string(ok->mechanism) + "'"},
                  Method::connection_start_ok);
  if (!login(ok->mechanism, ok->response)) {
    io::log(io::Level::warning, "AMQP login refused", {{"peer", stream_->peer()}, {"user", user_}});
    if (client_can("authentication_failure_close"))
      return refuse({ReplyCode::access_refused, "Login was refused using authentication mechanism " +
                                                    std::string(ok->mechanism) +
                                                    ". For details see the broker logfile."});
    state_ = State::closing;
    failed_login_ = true;
    heart_.arm(core_.loop.now() + failed_login_ms);
    return true;
  }
  state_ = State::tuning;
  ConnectionTune tune{
      .channel_max = server_channel_max, .frame_max = greatest_frame_max, .heartbeat = server_heartbeat_s};
  send(0, tune);
  return true;
}

bool Session::login(std::string_view mechanism, std::string_view response) {
  bool from_here = io::is_loopback(stream_->peer());
  std::string_view user, password;
  if (mechanism == "PLAIN") {
    // NUL user NUL password. RabbitMQ takes nobody who wants to act for another: no authorisation id before it.
    size_t second = response.starts_with('\0') ? response.find('\0', 1) : response.npos;
    if (second == response.npos) return false;
    user = response.substr(1, second - 1);
    password = response.substr(second + 1);
  } else if (mechanism == "AMQPLAIN") {
    auto table = FieldTableView::parse(view(response));
    if (!table) return false;
    auto login = table->find("LOGIN"), secret = table->find("PASSWORD");
    if (!login || !secret || !login->text() || !secret->text()) return false;
    user = *login->text();
    password = *secret->text();
  } else {
    auto identity = tls_->identity();
    if (!identity) return false;
    user_ = door_.login_by_common_name ? identity->common_name : identity->distinguished_name;
    return door_.users.find(user_) && (user_ != "guest" || from_here);
  }
  user_ = user;
  if (user == "guest" && !from_here) return false;  // everybody knows that password
  return door_.users.login(user, password) != nullptr;
}

bool Session::tune_ok(ByteView payload) {
  auto ok = decode_method<ConnectionTuneOk>(payload);
  if (!ok) return refuse({ReplyCode::syntax_error, "malformed connection.tune-ok"}, Method::connection_tune_ok);
  if (ok->frame_max != 0 && ok->frame_max < least_frame_max)
    return refuse({ReplyCode::not_allowed, "negotiated frame_max = " + std::to_string(ok->frame_max) +
                                               " is lower than the minimum allowed value (4096)"},
                  Method::connection_tune_ok);
  auto above = [&](const char* what, uint32_t value, uint32_t limit) -> std::optional<Refusal> {
    if (value != 0 && value <= limit) return std::nullopt;
    return Refusal{ReplyCode::not_allowed, "negotiated " + std::string(what) + " = " + std::to_string(value) +
                                               (value == 0 ? " (no limit)" : "") +
                                               " is higher than the maximum allowed value (" + std::to_string(limit) +
                                               ")"};
  };
  if (auto refusal = above("frame_max", ok->frame_max, greatest_frame_max))
    return refuse(*refusal, Method::connection_tune_ok);
  if (auto refusal = above("channel_max", ok->channel_max, server_channel_max))
    return refuse(*refusal, Method::connection_tune_ok);
  frame_max_ = ok->frame_max;
  channel_max_ = ok->channel_max;
  heartbeat_ms_ = ok->heartbeat * 1000;
  frames_.set_frame_max(frame_max_);
  state_ = State::opening;
  return true;
}

bool Session::open(ByteView payload) {
  auto wanted = decode_method<ConnectionOpen>(payload);
  if (!wanted) return refuse({ReplyCode::syntax_error, "malformed connection.open"}, Method::connection_open);
  std::string vhost(wanted->virtual_host);
  if (auto refusal = open_refusal(vhost)) return refuse(*refusal, Method::connection_open);
  host_ = door_.hosts.find(vhost);
  state_ = State::open;
  connected_ms_ = core_.loop.wall();
  send(0, ConnectionOpenOk{});
  heart_.cancel();
  if (heartbeat_ms_ > 0) heart_.arm(core_.loop.now() + heartbeat_ms_ / 2);
  return true;
}

}  // namespace naru::amqp
