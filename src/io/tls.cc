// The only file that sees OpenSSL.
#include "io/tls.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "io/logger.h"

namespace naru::io {
namespace {

constexpr Millis handshake_ms = 10'000;
constexpr size_t handshakes_max = 1'000;      // at a time: each costs some 50 KiB
constexpr size_t record_bytes = 32 * KiB;     // read from below at once
constexpr uint64_t range_bytes = 256 * KiB;   // of a file, in memory to be encrypted
constexpr size_t encrypted_bytes = 64 * KiB;  // at once
constexpr uint64_t waiting_bytes_max = MiB;   // below, before more of a file is read

std::string last_error() {
  char text[200] = "unknown";
  if (unsigned long number = ERR_get_error()) ERR_error_string_n(number, text, sizeof text);
  ERR_clear_error();
  return text;
}

std::string name_text(const X509_NAME* name) {
  BIO* out = BIO_new(BIO_s_mem());
  // As in LDAP, the most special part first; letters beyond ASCII stay as they are.
  X509_NAME_print_ex(out, name, 0, XN_FLAG_RFC2253 & ~static_cast<unsigned long>(ASN1_STRFLGS_ESC_MSB));
  char* data = nullptr;
  long size = BIO_get_mem_data(out, &data);
  std::string text(data, static_cast<size_t>(size));
  BIO_free(out);
  return text;
}

std::string common_name(const X509_NAME* name) {
  int at = X509_NAME_get_index_by_NID(name, NID_commonName, -1);
  if (at < 0) return {};
  unsigned char* utf8 = nullptr;
  int size = ASN1_STRING_to_UTF8(&utf8, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at)));
  if (size < 0) return {};
  std::string text(reinterpret_cast<char*>(utf8), static_cast<size_t>(size));
  OPENSSL_free(utf8);
  return text;
}

class TlsStream;

class Context final : public TlsContext {
 public:
  Context() : context_(SSL_CTX_new(TLS_server_method())) { CHECK(context_); }
  ~Context() override { SSL_CTX_free(context_); }
  TlsConnection serve(Loop& loop, std::unique_ptr<Stream> under) override;

  std::expected<void, std::string> load(const TlsSettings& settings) {
    SSL_CTX_set_min_proto_version(context_, TLS1_2_VERSION);
    // No resumption: connections last, and a ticket is one more secret to keep.
    SSL_CTX_set_options(
        context_, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_NO_TICKET | SSL_OP_CIPHER_SERVER_PREFERENCE);
    SSL_CTX_set_num_tickets(context_, 0);
    SSL_CTX_set_session_cache_mode(context_, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_mode(context_, SSL_MODE_RELEASE_BUFFERS);
    // A key with a passphrase fails instead of asking for it on a terminal.
    SSL_CTX_set_default_passwd_cb(context_, [](char*, int, int, void*) { return 0; });
    ERR_clear_error();
    if (SSL_CTX_use_certificate_chain_file(context_, settings.certificate.c_str()) != 1)
      return std::unexpected("certificate " + settings.certificate + ": " + last_error());
    if (SSL_CTX_use_PrivateKey_file(context_, settings.key.c_str(), SSL_FILETYPE_PEM) != 1)
      return std::unexpected("private key " + settings.key + ": " + last_error());
    if (SSL_CTX_check_private_key(context_) != 1)
      return std::unexpected("private key " + settings.key + " is not the one of " + settings.certificate);
    if (settings.client_ca.empty() && settings.client_certificate_required)
      return std::unexpected("clients' certificates are required, but the authorities that sign them are not given");
    if (settings.client_ca.empty() || !settings.client_certificate_asked) return {};
    STACK_OF(X509_NAME)* names = SSL_load_client_CA_file(settings.client_ca.c_str());
    if (!names || SSL_CTX_load_verify_locations(context_, settings.client_ca.c_str(), nullptr) != 1)
      return std::unexpected("authorities of clients " + settings.client_ca + ": " + last_error());
    SSL_CTX_set_client_CA_list(context_, names);
    SSL_CTX_set_verify(context_,
                       SSL_VERIFY_PEER | (settings.client_certificate_required ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0),
                       nullptr);
    return {};
  }

  std::list<TlsStream*>& handshakes() { return handshakes_; }

 private:
  SSL_CTX* context_;
  std::list<TlsStream*> handshakes_;  // the oldest first
};

class TlsStream final : public Stream, public TlsPeer {
 public:
  TlsStream(Context& context, SSL* ssl, Loop& loop, std::unique_ptr<Stream> under)
      : context_(context), ssl_(ssl), loop_(loop), under_(std::move(under)), deadline_(loop, [this] { too_slow(); }) {
    from_peer_ = BIO_new(BIO_s_mem());
    to_peer_ = BIO_new(BIO_s_mem());
    CHECK(from_peer_ && to_peer_);
    SSL_set_bio(ssl_, from_peer_, to_peer_);
    SSL_set_accept_state(ssl_);
    deadline_.arm(loop.now() + handshake_ms);
    place_ = context_.handshakes().insert(context_.handshakes().end(), this);
  }
  ~TlsStream() override {
    *alive_ = false;
    leave_handshakes();
    if (!closed_) under_->close();  // wakes whoever sends a file
    SSL_free(ssl_);
  }

  Task<Result<size_t>> read(std::span<uint8_t> into) override {
    while (!closed_) {
      size_t n = 0;
      ERR_clear_error();
      switch (after(SSL_read_ex(ssl_, into.data(), into.size(), &n))) {
        case Step::done: co_return n;
        case Step::ended: co_return size_t{0};
        case Step::broken: co_return fail(Code::closed, "TLS failed");
        case Step::more: co_await feed(); break;
      }
    }
    co_return fail(Code::closed, "connection closed");
  }
  Task<> readable() override {
    while (!closed_) {
      uint8_t byte;
      size_t n = 0;
      ERR_clear_error();
      if (after(SSL_peek_ex(ssl_, &byte, 1, &n)) != Step::more) co_return;
      co_await feed();
    }
  }
  void on_end(std::move_only_function<void()> call) override { under_->on_end(std::move(call)); }

  void send(Bytes bytes) override {
    if (closed_ || broken_ || bytes.empty()) return;
    if (handshaken_ && out_.empty()) return encrypt(bytes);
    waiting_ += bytes.size();
    out_.push_back({.bytes = std::move(bytes), .range = {}});
  }
  void send(FileRange range) override {
    if (closed_ || broken_ || range.length == 0) return;
    waiting_ += range.length;
    out_.push_back({.bytes = {}, .range = std::move(range)});
    if (handshaken_ && !pumping_) pump().detach();
  }
  uint64_t queued() const override { return waiting_ + under_->queued(); }
  uint64_t untaken() const override { return waiting_ + under_->untaken(); }
  Task<Result<void>> drained(uint64_t bytes) override {
    while (!closed_ && !broken_ && waiting_ > 0 && queued() > bytes) {
      Wakeup wakeup;
      drainers_.push_back(&wakeup);
      co_await wakeup;
    }
    if (closed_ || broken_) co_return fail(Code::closed, "connection closed");
    co_return co_await under_->drained(bytes);
  }

  void close() override {
    if (std::exchange(closed_, true)) return;
    leave_handshakes();
    under_->on_end(nullptr);
    if (handshaken_ && !broken_) {
      ERR_clear_error();
      SSL_shutdown(ssl_);
      forward();
    }
    forget_queued();
    // That this is the end goes out with this turn's bytes, unless the peer does not even read.
    loop_.at_turn_end([under = under_] { under->close(); });
  }
  std::string peer() const override { return under_->peer(); }
  std::string local_host() const override { return under_->local_host(); }
  std::optional<PeerIdentity> identity() const override {
    X509* certificate = SSL_get0_peer_certificate(ssl_);
    if (!certificate || SSL_get_verify_result(ssl_) != X509_V_OK) return std::nullopt;
    const X509_NAME* name = X509_get_subject_name(certificate);
    return PeerIdentity{.common_name = common_name(name), .distinguished_name = name_text(name)};
  }
  Encryption encryption() const override {
    return {SSL_version(ssl_) == TLS1_3_VERSION ? "tlsv1.3" : "tlsv1.2", SSL_get_cipher_name(ssl_)};
  }

 private:
  enum class Step : uint8_t { done, more, ended, broken };
  struct Piece {
    Bytes bytes;
    FileRange range;
  };

  /// What a call of the library came to; what it wrote is sent.
  Step after(int result) {
    int error = result == 1 ? SSL_ERROR_NONE : SSL_get_error(ssl_, result);
    bool was_handshaken = handshaken_;
    if (!handshaken_ && SSL_is_init_finished(ssl_)) handshaken_ = true;
    forward();
    if (!was_handshaken && handshaken_) {
      leave_handshakes();
      if (!out_.empty() && !pumping_) pump().detach();
    }
    if (error == SSL_ERROR_NONE) return Step::done;
    if (error == SSL_ERROR_ZERO_RETURN) return Step::ended;
    if (error == SSL_ERROR_WANT_READ && !broken_) return ended_ ? Step::ended : Step::more;
    if (!std::exchange(broken_, true)) {
      log(Level::info, "TLS with a client failed", {{"peer", peer()}, {"reason", last_error()}});
      leave_handshakes();
      forget_queued();
    }
    return Step::broken;
  }

  /// Takes what the peer sent, and waits for it.
  Task<> feed() {
    // One for all: between the read and its use nobody else runs.
    static thread_local uint8_t buffer[record_bytes];
    auto under = under_;
    co_await under->readable();
    auto n = co_await under->read(buffer);
    if (!n || *n == 0) {
      ended_ = true;
    } else {
      BIO_write(from_peer_, buffer, static_cast<int>(*n));
    }
  }

  void encrypt(ByteView bytes) {
    ERR_clear_error();
    // In pieces: the memory between keeps its largest size, and is wiped whole whenever it has been emptied.
    while (!bytes.empty() && !broken_) {
      ByteView piece = bytes.first(std::min(bytes.size(), encrypted_bytes));
      size_t n = 0;
      if (SSL_write_ex(ssl_, piece.data(), piece.size(), &n) != 1) broken_ = true;
      forward();
      bytes = bytes.subspan(piece.size());
    }
  }

  void forward() {
    char* data = nullptr;
    long size = BIO_get_mem_data(to_peer_, &data);
    if (size <= 0) return;
    under_->send(Bytes(data, data + size));
    (void)BIO_reset(to_peer_);
  }

  /// Sends what waits behind the handshake or a file, in order.
  Task<> pump() {
    pumping_ = true;
    auto alive = alive_;
    auto under = under_;
    while (!out_.empty()) {
      if (!out_.front().range.file) {
        Bytes bytes = std::move(out_.front().bytes);
        out_.pop_front();
        waiting_ -= bytes.size();
        encrypt(bytes);
        continue;
      }
      (void)co_await under->drained(waiting_bytes_max);
      if (!*alive) co_return;
      if (out_.empty()) break;
      FileRange& range = out_.front().range;
      auto file = range.file;
      uint64_t at = range.at;
      Bytes part(std::min(range.length, range_bytes));
      auto load = [&file, &part, at] { return file->read(at, part); };
      auto loaded = co_await work(loop_, Lane::reads, load);
      if (!*alive) co_return;
      if (out_.empty()) break;
      if (!loaded) {  // the rest would not be what was promised
        close();
        break;
      }
      waiting_ -= part.size();
      out_.front().range.at += part.size();
      out_.front().range.length -= part.size();
      if (out_.front().range.length == 0) out_.pop_front();
      encrypt(part);
    }
    pumping_ = false;
    wake_drainers();
  }

  void forget_queued() {
    out_.clear();
    waiting_ = 0;
    wake_drainers();
  }
  void wake_drainers() {
    for (Wakeup* waiting : std::exchange(drainers_, {})) waiting->wake();
  }
  void leave_handshakes() {
    deadline_.cancel();
    if (place_) context_.handshakes().erase(*std::exchange(place_, std::nullopt));
  }
  void too_slow() {
    log(Level::info, "a client did not finish the TLS handshake in time", {{"peer", peer()}});
    close();
  }

  Context& context_;
  SSL* ssl_;
  Loop& loop_;
  std::shared_ptr<Stream> under_;
  BIO *from_peer_, *to_peer_;  // owned by ssl_
  bool handshaken_ = false, ended_ = false, broken_ = false, closed_ = false, pumping_ = false;
  std::deque<Piece> out_;
  uint64_t waiting_ = 0;  // bytes in out_
  std::vector<Wakeup*> drainers_;
  Timer deadline_;
  std::optional<std::list<TlsStream*>::iterator> place_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

TlsConnection Context::serve(Loop& loop, std::unique_ptr<Stream> under) {
  if (handshakes_.size() >= handshakes_max) handshakes_.front()->close();
  SSL* ssl = SSL_new(context_);
  CHECK(ssl);
  auto stream = std::make_unique<TlsStream>(*this, ssl, loop, std::move(under));
  const TlsPeer* peer = stream.get();
  return {.stream = std::move(stream), .peer = peer};
}

}  // namespace

std::optional<int64_t> certificate_end(const std::string& file) {
  BIO* bytes = BIO_new_file(file.c_str(), "r");
  X509* certificate = bytes ? PEM_read_bio_X509(bytes, nullptr, nullptr, nullptr) : nullptr;
  tm time{};
  bool known = certificate && ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &time) == 1;
  X509_free(certificate);
  BIO_free(bytes);
  ERR_clear_error();
  return known ? std::optional<int64_t>(::timegm(&time)) : std::nullopt;
}

std::expected<std::unique_ptr<TlsContext>, std::string> TlsContext::open(const TlsSettings& settings) {
  auto context = std::make_unique<Context>();
  if (auto loaded = context->load(settings); !loaded) return std::unexpected(loaded.error());
  return context;
}

}  // namespace naru::io
