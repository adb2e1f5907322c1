// A SAS token as it comes in a password or an Authorization header. Input: the token's text.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/result.h"
#include "codec/sas/sas_token.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace selvage;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto token = codec::parse_sas_token(text);
    if (!token) return 0;
    SELVAGE_ASSERT(!token->raw_resource.empty() && !token->signature.empty());
    const auto audience = codec::parse_sas_audience(token->raw_resource);
    if (!audience) return 0;
    SELVAGE_ASSERT(!audience->host.empty() && (audience->module.empty() || !audience->device.empty()));
    const domain::Identity own{audience->device, audience->module};
    const bool covered = codec::covers(*audience, own, audience->host);
    SELVAGE_ASSERT(covered == !audience->device.empty());
    return 0;
}
