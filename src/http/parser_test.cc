#include "http/parser.h"

#include <gtest/gtest.h>

namespace naru::http {
namespace {

/// All requests in `bytes` as "METHOD target [name=value ...] body;", then "invalid" or "too_large" if that is how it
/// ends. Fed in pieces that begin at `cuts`.
std::string parsed(std::string_view text, std::vector<size_t> cuts = {}, Parser::Limits limits = {}) {
  Parser parser(limits);
  std::string out;
  cuts.push_back(text.size());
  size_t begin = 0;
  for (size_t cut : cuts) {
    for (ByteView rest = view(text.substr(begin, cut - begin)); !rest.empty();) {
      auto used = parser.feed(rest);
      if (!used) return out + name(used.error().code);
      rest = rest.subspan(*used);
      if (!parser.done()) continue;
      Request request = parser.take();
      out += request.method + " " + request.target;
      for (const auto& [key, value] : request.headers) out += " " + key + "=" + value;
      out += " " + request.body + (request.keep_alive ? ";" : "; closes");
    }
    begin = cut;
  }
  return out;
}

struct Case {
  std::string text, expected;
};

const Case cases[] = {
    {"GET /health HTTP/1.1\r\nHost: a\r\n\r\n", "GET /health Host=a ;"},
    {"GET / HTTP/1.0\r\n\r\n", "GET / ; closes"},
    {"GET / HTTP/1.1\r\nConnection: close\r\n\r\n", "GET / Connection=close ; closes"},
    {"POST /x?y=1 HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello", "POST /x?y=1 Content-Length=5 hello;"},
    {"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;ext\r\nde\r\n0\r\n\r\n",
     "POST / Transfer-Encoding=chunked abcde;"},
    {"GET /1 HTTP/1.1\r\n\r\nPOST /2 HTTP/1.1\r\nContent-Length: 1\r\n\r\nxGET /3 HTTP/1.1\r\n\r\n",
     "GET /1 ;POST /2 Content-Length=1 x;GET /3 ;"},
    {"GET / HTTP/1.1\r\nHost: a\r\n", ""},                        // not yet
    {"\x16\x03\x01\x02\x00\x01\xfc\x03\x03\r\n\r\n", "invalid"},  // TLS at the wrong door
    {"GET /\r\n\r\n", "invalid"},
    {"GET / HTTP/1.1\r\nContent-Length: x\r\n\r\n", "invalid"},
    {"GET / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", "invalid"},
    {"GET / HTTP/1.1\r\nContent-Length: 99999999\r\n\r\n", "too_large"},
    {"GET /1 HTTP/1.1\r\n\r\nGET", "GET /1 ;"},
    {"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nA \r\n0123456789\r\n0\r\nTrailer: x\r\n\r\nGET /2 "
     "HTTP/1.1\r\n\r\n",
     "POST / Transfer-Encoding=chunked 0123456789;GET /2 ;"},
    {"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", ""},
    {"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n", "invalid"},
    {"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\nab", "invalid"},
    {"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n", "invalid"},
    {"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nfffffffff\r\n", "too_large"},
    {"POST / HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n", "invalid"},
    {"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n", "invalid"},
};

TEST(http_parser, what_comes_of_it_does_not_depend_on_how_bytes_arrive) {
  for (const Case& c : cases) {
    EXPECT_EQ(parsed(c.text), c.expected) << c.text;
    std::vector<size_t> every;
    for (size_t cut = 1; cut < c.text.size(); ++cut) {
      EXPECT_EQ(parsed(c.text, {cut}), c.expected) << c.text << " cut at " << cut;
      every.push_back(cut);
    }
    EXPECT_EQ(parsed(c.text, every), c.expected) << c.text << " byte by byte";
  }
}

TEST(http_parser, limits_hold_for_whole_and_for_cut_requests) {
  Parser::Limits limits{.header_bytes = 200, .body_bytes = 50};
  std::string head = "GET / HTTP/1.1\r\nLong: " + std::string(300, 'x');
  std::string body = "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n40\r\n" + std::string(64, 'x');
  for (const std::string& text : {head, head + "\r\n\r\n", body}) {
    EXPECT_EQ(parsed(text, {}, limits), "too_large");
    for (size_t cut = 1; cut < text.size(); cut += 7) EXPECT_EQ(parsed(text, {cut}, limits), "too_large");
  }
  std::string fits = "GET / HTTP/1.1\r\nLong: " + std::string(100, 'x') + "\r\n\r\n";
  EXPECT_EQ(parsed(fits, {120}, limits), "GET / Long=" + std::string(100, 'x') + " ;");
}

TEST(http_response, says_its_length_also_where_it_has_no_body) {
  auto text_of = [](const Bytes& bytes) { return std::string(text(bytes)); };
  std::string whole = text_of(response(200, "text/plain", "ok\n", true));
  EXPECT_TRUE(whole.starts_with("HTTP/1.1 200 OK\r\n") && whole.ends_with("Content-Length: 3\r\n\r\nok\n")) << whole;
  std::string head = text_of(response(503, "text/plain", "ok\n", false, Body::described));
  EXPECT_TRUE(head.ends_with("Content-Length: 3\r\nConnection: close\r\n\r\n")) << head;
}

}  // namespace
}  // namespace naru::http
