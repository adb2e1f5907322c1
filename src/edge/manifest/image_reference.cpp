#include "edge/manifest/field.h"
#include "edge/manifest/deployment.h"

namespace selvage::edge::manifest {

Result<std::string> normalise_image(std::string_view image, const Surroundings& surroundings) {
    std::string text(trim(image));
    if (text.empty()) return fail(Errc::malformed, "may not be blank");
    if (text.front() == '$') {
        static constexpr std::string_view kUpstream = "$upstream";
        const std::size_t at = text.find(kUpstream);
        const std::size_t colon = at == std::string::npos ? at : at + kUpstream.size();
        const bool has_port = colon != std::string::npos && colon + 1 < text.size() && text[colon] == ':' &&
                              text[colon + 1] >= '1' && text[colon + 1] <= '9';
        if (!has_port)
            return fail(Errc::malformed,
                        fmt::format("image {} is not in the right format: $upstream must be followed by a port "
                                    "($upstream:443/…)", text));
        if (surroundings.parent_host.empty())
            return fail(Errc::malformed, "$upstream is used, but this device has no parent_hostname");
        text.replace(at, kUpstream.size(), surroundings.parent_host);
    }
    // ^([^/]*/)*[^/:]+(:[^/:]+)?$
    const std::string_view last = std::string_view(text).substr(text.rfind('/') + 1);
    const std::size_t colon = last.find(':');
    const bool one_colon = colon == std::string_view::npos || last.find(':', colon + 1) == std::string_view::npos;
    if (last.empty() || colon == 0 || !one_colon || (colon != std::string_view::npos && colon + 1 == last.size()))
        return fail(Errc::malformed, fmt::format("image {} is not in the right format (name, name:tag or name@digest)", text));
    if (colon == std::string_view::npos) text += ":latest";
    return text;
}

std::string registry_of(std::string_view image) {
    const std::size_t slash = image.find('/');
    if (slash == std::string_view::npos) return {};
    const std::string_view first = image.substr(0, slash);
    if (first.find_first_of(".:") != std::string_view::npos) return std::string(first);
    return "https://index.docker.io/v1/";
}

}  // namespace selvage::edge::manifest
