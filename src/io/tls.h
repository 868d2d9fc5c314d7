#pragma once
// TLS: a Stream over another Stream. The server's side only; versions 1.2 and 1.3. Nothing here blocks and no thread is
// used: the library (OpenSSL, which only tls.cc sees) reads and writes memory, the stream below carries the bytes.
#include <expected>
#include <list>
#include <memory>
#include <optional>
#include <string>

#include "io/loop.h"
#include "io/net.h"

namespace naru::io {

/// Files in PEM form.
struct TlsSettings {
  std::string certificate{};  // the server's own first, then the chain to its authority
  std::string key{};          // private, without a passphrase
  std::string client_ca{};    // whose signature clients' certificates need; empty: no certificate is asked for
  bool client_certificate_asked = true, client_certificate_required = false;
};

/// Who a peer has proved to be, with a certificate.
struct PeerIdentity {
  std::string common_name, distinguished_name;  // "ann", "CN=ann,O=naru"
};
class TlsPeer {
 public:
  /// Nothing before the handshake, or if the peer showed no certificate.
  virtual std::optional<PeerIdentity> identity() const = 0;
  /// What the handshake came to: "tlsv1.3", "TLS_AES_256_GCM_SHA384".
  struct Encryption {
    std::string version, cipher;
  };
  virtual Encryption encryption() const = 0;

 protected:
  ~TlsPeer() = default;
};
struct TlsConnection {
  std::unique_ptr<Stream> stream;
  const TlsPeer* peer = nullptr;  // as long as the stream
};

/// What the connections of one core share. Outlives them.
class TlsContext {
 public:
  virtual ~TlsContext() = default;
  /// Reads the files; else what is wrong with them.
  static std::expected<std::unique_ptr<TlsContext>, std::string> open(const TlsSettings& settings);
  /// Speaks TLS on an accepted connection. The handshake is a part of the first reads. A peer that does not finish it
  /// in ten seconds is cut off, and the one that takes longest if more than a thousand are at it.
  virtual TlsConnection serve(Loop& loop, std::unique_ptr<Stream> under) = 0;
};

}  // namespace naru::io
