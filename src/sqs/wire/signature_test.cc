#include "sqs/wire/signature.h"

#include <gtest/gtest.h>

namespace naru::sqs {
namespace {

const std::string secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

/// "get-vanilla" of the suite that AWS publishes with Signature Version 4, and its answer.
http::Request vanilla() {
  http::Request request{.method = "GET", .target = "/"};
  request.headers = {{"Host", "example.amazonaws.com"},
                     {"X-Amz-Date", "20150830T123600Z"},
                     {"Authorization",
                      "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, "
                      "SignedHeaders=host;x-amz-date, "
                      "Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"}};
  return request;
}

Reply<std::string> check(const http::Request& request, int64_t now_s, std::string_view service = "service") {
  SigningKeys keys;
  auto secret_of = [](std::string_view key) { return key == "AKIDEXAMPLE" ? &secret : nullptr; };
  return verify(request, secret_of, keys, now_s, service);
}

const int64_t then_s = *parse_timestamp("20150830T123600Z");

ErrorCode code_of(const Reply<std::string>& reply) { return reply ? ErrorCode::internal : reply.error().code; }

TEST(sqs_signature, times) {
  EXPECT_EQ(parse_timestamp("19700101T000000Z"), 0);
  EXPECT_EQ(parse_timestamp("20000229T235959Z"), 951'868'799);
  EXPECT_EQ(then_s, 1'440'938'160);
  for (const char* text : {"", "20150830T123600", "20150830 123600Z", "20151330T123600Z", "2015083xT123600Z"})
    EXPECT_FALSE(parse_timestamp(text)) << text;
}

TEST(sqs_signature, a_known_one_is_good_for_a_quarter_of_an_hour) {
  EXPECT_EQ(check(vanilla(), then_s), "AKIDEXAMPLE");
  EXPECT_EQ(check(vanilla(), then_s + 900), "AKIDEXAMPLE");
  EXPECT_EQ(code_of(check(vanilla(), then_s, "sqs")), ErrorCode::signature_mismatch);
  EXPECT_EQ(code_of(check(vanilla(), then_s + 901)), ErrorCode::signature_expired);
  EXPECT_EQ(code_of(check(vanilla(), then_s - 901)), ErrorCode::signature_expired);
}

TEST(sqs_signature, any_change_breaks_it) {
  auto changed = [](auto change) {
    http::Request request = vanilla();
    change(request);
    return code_of(check(request, then_s));
  };
  using enum ErrorCode;
  EXPECT_EQ(changed([](auto& r) { r.method = "POST"; }), signature_mismatch);
  EXPECT_EQ(changed([](auto& r) { r.target = "/x"; }), signature_mismatch);
  EXPECT_EQ(changed([](auto& r) { r.target = "/?a=b"; }), signature_mismatch);
  EXPECT_EQ(changed([](auto& r) { r.body = "x"; }), signature_mismatch);
  EXPECT_EQ(changed([](auto& r) { r.headers[0].second = "elsewhere"; }), signature_mismatch);
  EXPECT_EQ(changed([](auto& r) { r.headers[1].second = "20150830T123601Z"; }), signature_mismatch);
  EXPECT_EQ(changed([](auto& r) { r.headers[2].second.back() = '2'; }), signature_mismatch);
  EXPECT_EQ(changed([](auto& r) { r.headers.pop_back(); }), missing_token);
  EXPECT_EQ(changed([](auto& r) { r.headers[2].second = "Basic eDp5"; }), incomplete_signature);
  EXPECT_EQ(changed([](auto& r) { r.headers[2].second.resize(60); }), incomplete_signature);
  EXPECT_EQ(changed([](auto& r) { r.headers.erase(r.headers.begin() + 1); }), incomplete_signature);
  auto other_key = [](auto& r) { r.headers[2].second.replace(r.headers[2].second.find("AKID"), 4, "ABCD"); };
  EXPECT_EQ(changed(other_key), invalid_client_token);
  // A header that is not signed may change; blanks around what is signed do not count.
  EXPECT_EQ(changed([](auto& r) { r.headers.emplace_back("User-Agent", "x"); }), internal);
  EXPECT_EQ(changed([](auto& r) { r.headers[0].second = "  example.amazonaws.com "; }), internal);
}

TEST(sqs_signature, canonical_request_sorts_and_escapes) {
  http::Request request{.method = "POST", .target = "/0/a%20b/~?b=2&a=%C3%A9&a=1+2&c"};
  request.headers = {{"Host", "h"}, {"X-Twice", " a   b "}, {"x-twice", "c"}};
  Signature signature{.signed_headers = "host;x-twice"};
  EXPECT_EQ(canonical_request(request, signature),
            "POST\n/0/a%2520b/~\na=1%202&a=%C3%A9&b=2&c=\nhost:h\nx-twice:a b,c\n\nhost;x-twice\n"
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

TEST(sqs_signature, presigned) {
  http::Request request{.method = "GET",
                        .target =
                            "/0/q?Action=ReceiveMessage&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential="
                            "AKIDEXAMPLE%2F20150830%2Fus-east-1%2Fsqs%2Faws4_request&X-Amz-Date=20150830T123600Z&"
                            "X-Amz-Expires=60&X-Amz-SignedHeaders=host"};
  request.headers = {{"Host", "h"}};
  Signature parsed{.access_key = "AKIDEXAMPLE",
                   .date = "20150830",
                   .region = "us-east-1",
                   .service = "sqs",
                   .timestamp = "20150830T123600Z",
                   .signed_headers = "host",
                   .is_presigned = true};
  SigningKeys keys;
  std::string to_sign = "AWS4-HMAC-SHA256\n20150830T123600Z\n20150830/us-east-1/sqs/aws4_request\n" +
                        to_hex(text(sha256(canonical_request(request, parsed))));
  request.target += "&X-Amz-Signature=" + to_hex(text(hmac_sha256(text(keys.find(parsed, secret)), to_sign)));
  EXPECT_EQ(check(request, then_s + 60, "sqs"), "AKIDEXAMPLE");
  EXPECT_EQ(code_of(check(request, then_s + 61, "sqs")), ErrorCode::signature_expired);
  request.target += "0";
  EXPECT_EQ(code_of(check(request, then_s, "sqs")), ErrorCode::signature_mismatch);
}

}  // namespace
}  // namespace naru::sqs
