#include "visavis/core/sha256_stream.hpp"

#include <openssl/evp.h>

#include <new>

namespace visavis {

struct Sha256Stream::Impl {
  struct Free {
    void operator()(EVP_MD_CTX* one) const noexcept { EVP_MD_CTX_free(one); }
  };
  std::unique_ptr<EVP_MD_CTX, Free> context{EVP_MD_CTX_new()};

  Impl() {
    if (!context || EVP_DigestInit_ex(context.get(), EVP_sha256(), nullptr) != 1)
      throw std::bad_alloc();
  }
};

Sha256Stream::Sha256Stream() : impl_(std::make_unique<Impl>()) {}
Sha256Stream::Sha256Stream(Sha256Stream&&) noexcept = default;
Sha256Stream& Sha256Stream::operator=(Sha256Stream&&) noexcept = default;
Sha256Stream::~Sha256Stream() = default;

void Sha256Stream::append(std::span<const std::byte> bytes) {
  EVP_DigestUpdate(impl_->context.get(), bytes.data(), bytes.size());
}

Sha256 Sha256Stream::finish() {
  Sha256 digest{};
  EVP_DigestFinal_ex(impl_->context.get(), digest.data(), nullptr);
  EVP_DigestInit_ex(impl_->context.get(), EVP_sha256(), nullptr);
  return digest;
}

}  // namespace visavis
