#include <gtest/gtest.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <memory>
#include <string>
#include <visavis/fetch_testing/local_fetcher.hpp>
#include <visavis/fetch_testing/local_server.hpp>

#include "visavis/fetch/fetcher.hpp"

namespace visavis::fetch {
namespace {

using tests::Connection;
using tests::LocalServer;

template <auto Free>
struct Freeing {
  template <class Value>
  void operator()(Value* value) const noexcept {
    Free(value);
  }
};
using Key = std::unique_ptr<EVP_PKEY, Freeing<EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, Freeing<X509_free>>;
using Context = std::unique_ptr<SSL_CTX, Freeing<SSL_CTX_free>>;
using Session = std::unique_ptr<SSL, Freeing<SSL_free>>;

/// Signed by itself, for the right host and the right time.
Certificate make_certificate(EVP_PKEY* key) {
  Certificate certificate(::X509_new());
  ::ASN1_INTEGER_set(::X509_get_serialNumber(certificate.get()), 1);
  ::X509_gmtime_adj(::X509_getm_notBefore(certificate.get()), -3600);
  ::X509_gmtime_adj(::X509_getm_notAfter(certificate.get()), 3600);
  ::X509_set_pubkey(certificate.get(), key);
  X509_NAME* name = ::X509_get_subject_name(certificate.get());
  const auto* host = reinterpret_cast<const unsigned char*>("photos.example");
  ::X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, host, -1, -1, 0);
  ::X509_set_issuer_name(certificate.get(), name);
  ::X509_sign(certificate.get(), key, ::EVP_sha256());
  return certificate;
}

Context make_context() {
  const Key key(::EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256"));
  const Certificate certificate = make_certificate(key.get());
  Context context(::SSL_CTX_new(::TLS_server_method()));
  ::SSL_CTX_use_certificate(context.get(), certificate.get());
  ::SSL_CTX_use_PrivateKey(context.get(), key.get());
  return context;
}

FetchCause cause_for(const LocalServer& server) {
  const auto fetcher = testing::make_local_fetcher(
      {.hosts = {"*"}, .ports = {server.port()}},
      {.resolve = [](const std::string&) { return std::vector<std::string>{"127.0.0.1"}; },
       .allowed = {"127.0.0.1"}});
  const Fetched fetched =
      fetcher->get("https://photos.example:" + std::to_string(server.port()) + "/");
  EXPECT_FALSE(fetched);
  return fetched ? FetchCause::kCancelled : fetched.error().cause;
}

TEST(TlsTest, RefusesACertificateThatNobodyVouchesFor) {
  const Context context = make_context();
  std::string request;
  const LocalServer server(
      [&](const Connection& to) {
        const Session session(::SSL_new(context.get()));
        ::SSL_set_fd(session.get(), to.file());
        if (::SSL_accept(session.get()) != 1) return;
        std::string bytes(1000, '\0');
        const int n = ::SSL_read(session.get(), bytes.data(), static_cast<int>(bytes.size()));
        if (n > 0) request = bytes.substr(0, static_cast<std::size_t>(n));
      },
      "127.0.0.1", false);
  EXPECT_EQ(cause_for(server), FetchCause::kTls);
  EXPECT_TRUE(request.empty()) << "nothing is asked of who cannot prove who they are";
}

TEST(TlsTest, RefusesAServerWithoutTls) {
  const LocalServer server([](const Connection& to) { to.send(tests::ok("plain")); }, "127.0.0.1",
                           false);
  EXPECT_EQ(cause_for(server), FetchCause::kTls);
}

}  // namespace
}  // namespace visavis::fetch
