// An audience is `host[/devices[/{d}[/modules/{m}]]]` behind one round of percent-encoding, or none, or, for the ids, two:
// clients differ. So the whole is decoded once, and each segment once more where that makes sense.
#include <vector>

#include "base/encoding.h"
#include "codec/sas/sas_token.h"

namespace selvage::codec {
namespace {

// An id may hold a '%' of its own, so text that does not decode is already decoded.
std::string decode_if_encoded(std::string_view text) {
    auto decoded = percent_decode(text);
    return decoded ? *std::move(decoded) : std::string(text);
}

std::vector<std::string_view> cut_path(std::string_view path) {
    std::vector<std::string_view> segments;
    for (;;) {
        const auto slash = path.find('/');
        segments.push_back(path.substr(0, slash));
        if (slash == std::string_view::npos) return segments;
        path.remove_prefix(slash + 1);
    }
}

// Legacy tokens name more than the identity: `…/api-version=2016-11-14`, `…/messages/events`.
bool is_ignored_tail(const std::vector<std::string_view>& segments, std::size_t from) {
    if (from == segments.size()) return true;
    if (equals_ignoring_case(segments[from], "messages")) return true;
    return from + 1 == segments.size() && to_lower(segments[from]).starts_with("api-version=");
}

bool id_matches(std::string_view audience_id, std::string_view id) {
    if (equals_ignoring_case(audience_id, id)) return true;
    // Ids with a '%' whose audience was encoded only once have been decoded once too often.
    const auto decoded = percent_decode(id);
    return decoded && equals_ignoring_case(audience_id, *decoded);
}

}  // namespace

Result<SasAudience> parse_sas_audience(std::string_view raw_resource) {
    auto decoded = percent_decode(trim(raw_resource));
    if (!decoded) return fail(Errc::malformed, "SAS audience: '%' without two hex digits");
    std::string_view path = trim(*decoded);
    if (const auto scheme = path.find("://"); scheme != std::string_view::npos) path.remove_prefix(scheme + 3);
    while (path.ends_with('/')) path.remove_suffix(1);

    const auto segments = cut_path(path);
    SasAudience audience;
    audience.host = to_lower(segments[0]);
    if (audience.host.empty()) return fail(Errc::malformed, "SAS audience: no host name");
    if (segments.size() == 1) return audience;
    if (!equals_ignoring_case(segments[1], "devices"))
        return fail(Errc::malformed, "SAS audience: not a path of a device");
    if (segments.size() == 2) return audience;
    audience.device = decode_if_encoded(segments[2]);
    if (audience.device.empty()) return fail(Errc::malformed, "SAS audience: the device id is empty");

    std::size_t next = 3;
    if (segments.size() > 4 && equals_ignoring_case(segments[3], "modules")) {
        audience.module = decode_if_encoded(segments[4]);
        if (audience.module.empty()) return fail(Errc::malformed, "SAS audience: the module id is empty");
        next = 5;
    }
    if (!is_ignored_tail(segments, next)) return fail(Errc::malformed, "SAS audience: not a path of a device");
    return audience;
}

bool covers(const SasAudience& audience, const domain::Identity& identity, std::string_view host) {
    if (audience.device.empty() || !equals_ignoring_case(audience.host, host)) return false;
    if (audience.module.empty() != identity.module.empty()) return false;
    return id_matches(audience.device, identity.device) && id_matches(audience.module, identity.module);
}

}  // namespace selvage::codec
