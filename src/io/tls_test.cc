// TLS between a client that is OpenSSL itself, in memory, and naru's end over a simulated connection that delivers
// bytes in pieces of random size. No threads, no sockets; the certificates are made here.
#include "io/tls.h"

#include <gtest/gtest.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <unistd.h>

#include <cstdio>

#include "base/testing.h"
#include "io/folder_testing.h"
#include "sim/sim_disk.h"
#include "sim/sim_net.h"

namespace naru::io {
namespace {

/// A key and a certificate that it signed itself, as two PEM files.
void make_certificate(const std::string& path, const char* common_name) {
  EVP_PKEY* key = EVP_EC_gen("P-256");
  X509* certificate = X509_new();
  X509_set_version(certificate, 2);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
  X509_gmtime_adj(X509_getm_notBefore(certificate), -60);
  X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
  X509_set_pubkey(certificate, key);
  X509_NAME* name = X509_get_subject_name(certificate);
  auto add = [&](const char* part, const char* value) {
    X509_NAME_add_entry_by_txt(name, part, MBSTRING_UTF8, reinterpret_cast<const unsigned char*>(value), -1, -1, 0);
  };
  add("O", "Example, Inc");
  add("CN", common_name);
  X509_set_issuer_name(certificate, name);
  X509_sign(certificate, key, EVP_sha256());
  FILE* file = std::fopen((path + ".pem").c_str(), "w");
  PEM_write_X509(file, certificate);
  std::fclose(file);
  file = std::fopen((path + ".key").c_str(), "w");
  PEM_write_PrivateKey(file, key, nullptr, nullptr, 0, nullptr, nullptr);
  std::fclose(file);
  X509_free(certificate);
  EVP_PKEY_free(key);
}

/// What a client says and hears.
class Client {
 public:
  explicit Client(sim::SimConnection& wire, const std::string& certificate = "") : wire_(wire) {
    context_ = SSL_CTX_new(TLS_client_method());
    if (!certificate.empty()) {
      SSL_CTX_use_certificate_file(context_, (certificate + ".pem").c_str(), SSL_FILETYPE_PEM);
      SSL_CTX_use_PrivateKey_file(context_, (certificate + ".key").c_str(), SSL_FILETYPE_PEM);
    }
    ssl_ = SSL_new(context_);
    in_ = BIO_new(BIO_s_mem());
    out_ = BIO_new(BIO_s_mem());
    BIO_set_mem_eof_return(in_, -1);
    SSL_set_bio(ssl_, in_, out_);
    SSL_set_connect_state(ssl_);
  }
  ~Client() {
    SSL_free(ssl_);
    SSL_CTX_free(context_);
  }
  Client(const Client&) = delete;

  void say(std::string_view bytes) { to_say_ += bytes; }
  /// Takes what has come and says what there is to say.
  void pump() {
    Bytes bytes = wire_.take();
    if (!bytes.empty()) BIO_write(in_, bytes.data(), static_cast<int>(bytes.size()));
    if (!SSL_is_init_finished(ssl_) && !failed) note(SSL_do_handshake(ssl_));
    if (SSL_is_init_finished(ssl_) && !to_say_.empty()) {
      EXPECT_EQ(SSL_write(ssl_, to_say_.data(), static_cast<int>(to_say_.size())), static_cast<int>(to_say_.size()));
      to_say_.clear();
    }
    char buffer[10'000];
    int n = 0;
    while (SSL_is_init_finished(ssl_) && (n = SSL_read(ssl_, buffer, sizeof buffer)) > 0)
      heard.append(buffer, static_cast<size_t>(n));
    if (n < 0 || (SSL_get_shutdown(ssl_) & SSL_RECEIVED_SHUTDOWN)) note(n);
    char* data = nullptr;
    long size = BIO_get_mem_data(out_, &data);
    if (size > 0) wire_.send(view(std::string_view(data, static_cast<size_t>(size))));
    (void)BIO_reset(out_);
  }
  std::string version() const { return SSL_get_version(ssl_); }

  std::string heard;
  bool failed = false, ended_well = false;

 private:
  void note(int result) {
    int error = SSL_get_error(ssl_, result);
    ended_well |= error == SSL_ERROR_ZERO_RETURN;
    failed |= error == SSL_ERROR_SSL || error == SSL_ERROR_SYSCALL;
  }

  sim::SimConnection& wire_;
  SSL_CTX* context_;
  SSL* ssl_;
  BIO *in_, *out_;
  std::string to_say_;
};

/// What the broker's end has heard.
struct Heard {
  std::string bytes;
  bool ended = false, failed = false;
};

Task<> hear(Stream& stream, Heard& heard) {
  Bytes into(777);
  while (true) {
    co_await stream.readable();
    auto n = co_await stream.read(into);
    heard.failed = !n;
    heard.ended = n && *n == 0;
    if (heard.failed || heard.ended) co_return;
    heard.bytes += text(ByteView(into).first(*n));
  }
}
Task<> drain(Stream& stream, bool& drained) {
  auto done = co_await stream.drained(0);
  drained = done.has_value();
}

class TlsTest : public ::testing::Test {
 protected:
  TlsTest() {
    for (const char* who : {"/server", "/client", "/stranger"}) make_certificate(folder + who, "Änne");
  }
  ~TlsTest() override { broker.reset(); }

  TlsSettings settings() { return {.certificate = folder + "/server.pem", .key = folder + "/server.key"}; }
  /// Clients show a certificate, and "client" is their authority.
  TlsSettings mutual(bool required) {
    TlsSettings with = settings();
    with.client_ca = folder + "/client.pem";
    with.client_certificate_required = required;
    return with;
  }
  void serve(const TlsSettings& with) {
    auto opened = TlsContext::open(with);
    ASSERT_TRUE(opened) << opened.error();
    context = std::move(*opened);
    auto served = context->serve(loop, wire.accept());
    broker = std::move(served.stream);
    peer = served.peer;
    hear(*broker, heard).detach();
  }
  /// Until `done`, or nothing moves any more.
  void run(Client& client, const std::function<bool()>& done) {
    constexpr int turns_max = 100'000;
    for (int turns = 0; turns < turns_max && !done(); ++turns) {
      client.pump();
      if (!loop.turn()) break;
    }
    client.pump();
    EXPECT_TRUE(done());
  }

  TempFolder temp_;
  const std::string folder = temp_.path;
  sim::SimLoop loop{1};
  sim::SimConnection wire{loop, 2};
  std::unique_ptr<TlsContext> context;
  std::unique_ptr<Stream> broker;
  const TlsPeer* peer = nullptr;
  Heard heard;
};
using tls = TlsTest;

TEST_F(tls, carries_bytes_and_ranges_of_files_in_order_and_announces_the_end) {
  sim::SimDisk disk(3);
  std::shared_ptr<File> file = *disk.open("f", Open::create);
  Bytes contents(MiB + 77);
  for (size_t i = 0; i < contents.size(); ++i) contents[i] = static_cast<uint8_t>(i * 31 >> 5);
  ASSERT_TRUE(file->write(0, ByteView(contents)));
  std::string says(100'000, 'q');
  serve(settings());
  Client client(wire);
  client.say(says);
  broker->send(Bytes(3, '<'));  // before the handshake: waits for it
  run(client, [&] { return heard.bytes.size() == says.size(); });
  EXPECT_TRUE(heard.bytes == says);
  EXPECT_FALSE(peer->identity());
  EXPECT_EQ(peer->encryption().version, "tlsv1.3");
  EXPECT_EQ(client.version(), "TLSv1.3");
  broker->send(FileRange{file, 5, contents.size() - 10});
  broker->send(Bytes(300'000, '|'));
  broker->send(FileRange{file, 0, 4});
  broker->send(Bytes(1, '>'));
  EXPECT_GT(broker->queued(), contents.size());
  bool drained = false;
  drain(*broker, drained).detach();
  run(client, [&] { return drained; });
  EXPECT_EQ(broker->queued(), 0u);
  broker->close();
  run(client, [&] { return client.ended_well; });
  std::string expected = "<<<" + std::string(text(ByteView(contents).subspan(5, contents.size() - 10))) +
                         std::string(300'000, '|') + std::string(text(ByteView(contents).first(4))) + ">";
  EXPECT_TRUE(client.heard == expected) << client.heard.size() << " of " << expected.size();
}

TEST_F(tls, waits_for_a_client_that_does_not_read) {
  serve(settings());
  Client client(wire);
  client.say("x");
  run(client, [&] { return heard.bytes == "x"; });
  wire.set_window(1'000);
  broker->send(Bytes(100'000, '.'));
  bool drained = false;
  drain(*broker, drained).detach();
  loop.run_for(100);
  EXPECT_FALSE(drained);
  EXPECT_GT(broker->queued(), 90'000u);
  run(client, [&] { return drained; });
  EXPECT_EQ(client.heard.size(), 100'000u);
}

TEST_F(tls, tells_who_the_client_is_if_an_authority_says_so) {
  serve(mutual(/*required=*/true));
  Client client(wire, folder + "/client");
  client.say("x");
  run(client, [&] { return heard.bytes == "x"; });
  auto identity = peer->identity();
  ASSERT_TRUE(identity);
  EXPECT_EQ(identity->common_name, "Änne");
  EXPECT_EQ(identity->distinguished_name, "CN=Änne,O=Example\\, Inc");
}

TEST_F(tls, turns_away_who_has_no_certificate_where_one_is_required) {
  serve(mutual(/*required=*/true));
  Client client(wire);
  client.say("x");
  run(client, [&] { return heard.failed && client.failed; });
  EXPECT_EQ(client.heard + heard.bytes, "");
}

TEST_F(tls, lets_in_who_has_none_where_it_is_only_asked_for) {
  serve(mutual(/*required=*/false));
  Client client(wire);
  client.say("x");
  run(client, [&] { return heard.bytes == "x"; });
  EXPECT_FALSE(peer->identity());
}

TEST_F(tls, turns_away_who_shows_a_certificate_that_no_authority_signed) {
  serve(mutual(/*required=*/false));
  Client client(wire, folder + "/stranger");
  client.say("x");
  run(client, [&] { return heard.failed && client.failed; });
  EXPECT_EQ(heard.bytes, "");
  EXPECT_FALSE(peer->identity());
}

TEST_F(tls, a_connection_that_is_cut_ends) {
  serve(settings());
  Client client(wire);
  client.say("all that came");
  run(client, [&] { return heard.bytes == "all that came"; });
  wire.hang_up();
  loop.run_for(10);
  EXPECT_TRUE(heard.ended || heard.failed);
  EXPECT_EQ(heard.bytes, "all that came");
}

TEST_F(tls, a_handshake_that_is_cut_ends) {
  serve(settings());
  wire.send(view("\x16\x03\x01"));
  loop.run_for(10);
  wire.hang_up();
  loop.run_for(10);
  EXPECT_TRUE(heard.ended || heard.failed);
}

TEST_F(tls, bytes_that_are_no_tls_get_no_answer_but_an_alert) {
  serve(settings());
  broker->send(Bytes(100, 's'));
  wire.send(view("AMQP and then some more, so that a record's head is whole"));
  loop.run_for(10);
  EXPECT_TRUE(heard.failed);
  EXPECT_EQ(heard.bytes, "");
  EXPECT_LT(wire.take().size(), 20u);
}

TEST_F(tls, a_handshake_has_ten_seconds) {
  serve(settings());
  loop.run_for(9'900);
  EXPECT_FALSE(wire.is_closed());
  loop.run_for(200);
  EXPECT_TRUE(wire.is_closed());
  EXPECT_TRUE(heard.failed);
}

TEST_F(tls, says_which_file_is_wrong) {
  auto wrong = [](const TlsSettings& with) {
    auto opened = TlsContext::open(with);
    return opened ? std::string("fine") : opened.error();
  };
  TlsSettings with = settings();
  EXPECT_EQ(wrong(with), "fine");
  with.certificate = "/nowhere";
  EXPECT_TRUE(wrong(with).starts_with("certificate /nowhere: "));
  with = settings();
  with.key = folder + "/client.key";
  EXPECT_TRUE(wrong(with).contains("private key " + with.key)) << wrong(with);
  with = settings();
  with.client_ca = folder + "/client.key";
  EXPECT_TRUE(wrong(with).starts_with("authorities of clients " + with.client_ca)) << wrong(with);
  with = settings();
  with.client_certificate_required = true;
  EXPECT_TRUE(wrong(with).contains("authorities"));
}

}  // namespace
}  // namespace naru::io
