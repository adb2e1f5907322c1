// Entity tags and the If-Match header.
//
// Pure. Wire: docs/wire/service-rest.md#etags.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace selvage::cloud::registry {

// What a request says of the state it wants to change. Clients send `"*"` in quotes and bare, tags likewise.
struct IfMatch {
    enum class Kind { absent, any, tag };
    Kind kind = Kind::absent;
    std::string tag;  // without quotes

    static IfMatch parse(std::string_view header);
    // No tag was named, or it is this one.
    bool allows(std::string_view etag) const { return kind != Kind::tag || tag == etag; }
};

// The tag of an identity: base64 of the counter in decimal.
std::string identity_etag(std::uint64_t counter);
// Nothing when `tag` is none of ours.
std::optional<std::uint64_t> counter_of(std::string_view tag);

}  // namespace selvage::cloud::registry
