#include "device_client/device_client.h"
#include "security/sas_signer.h"

namespace selvage::device_client {
namespace {

class KeyTokens final : public TokenSource {
public:
    explicit KeyTokens(std::string key_base64) : key_(std::move(key_base64)) {}
    Awaitable<Result<std::string>> token(std::string resource, UtcTime expires) override {
        co_return security::make_sas_token(key_, resource, expires);
    }

private:
    std::string key_;
};

}  // namespace

std::unique_ptr<TokenSource> token_source_from_key(std::string key_base64) {
    return std::make_unique<KeyTokens>(std::move(key_base64));
}

}  // namespace selvage::device_client
