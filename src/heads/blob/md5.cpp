#include "heads/blob/md5.h"

#include <openssl/evp.h>

#include <array>

#include "base/encoding.h"
#include "base/result.h"

namespace selvage::heads::blob {

struct Md5::Impl {
    std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context{EVP_MD_CTX_new(), &EVP_MD_CTX_free};
};

Md5::Md5() : impl_(std::make_unique<Impl>()) {
    SELVAGE_ASSERT(impl_->context != nullptr && EVP_DigestInit_ex(impl_->context.get(), EVP_md5(), nullptr) == 1);
}
Md5::~Md5() = default;

void Md5::add(std::string_view bytes) {
    SELVAGE_ASSERT(EVP_DigestUpdate(impl_->context.get(), bytes.data(), bytes.size()) == 1);
}

std::string Md5::finish() {
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned size = 0;
    SELVAGE_ASSERT(EVP_DigestFinal_ex(impl_->context.get(), digest.data(), &size) == 1);
    return to_base64({reinterpret_cast<const char*>(digest.data()), size});
}

}  // namespace selvage::heads::blob
