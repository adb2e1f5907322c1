#include <iterator>

#include "base/encoding.h"
#include "codec/hub_amqp/hub_amqp.h"

namespace selvage::codec::hub_amqp {
namespace {

// Drops "/segment" from the front and returns the segment; empty when there is none.
std::string_view take_segment(std::string_view& path) {
    if (!path.starts_with('/')) return {};
    path.remove_prefix(1);
    const auto segment = path.substr(0, path.find('/'));
    path.remove_prefix(segment.size());
    return segment;
}

Result<std::string> take_id(std::string_view& path) {
    auto id = percent_decode(take_segment(path));
    if (!id) return fail(id.error());
    if (id->empty()) return fail(Errc::malformed, "an empty id");
    return id;
}

Result<domain::Identity> take_identity(std::string_view& path) {
    if (!equals_ignoring_case(take_segment(path), "devices")) return fail(Errc::malformed, "not below /devices");
    domain::Identity identity;
    SELVAGE_TRY(identity.device, take_id(path));
    SELVAGE_CHECK(domain::check_device_id(identity.device));
    std::string_view rest = path;
    if (!equals_ignoring_case(take_segment(rest), "modules")) return identity;
    path = rest;
    SELVAGE_TRY(identity.module, take_id(path));
    SELVAGE_CHECK(domain::check_module_id(identity.module));
    return identity;
}

}  // namespace

Result<LinkAddress> parse_link_address(std::string_view address) {
    // docs/wire/amqp.md#links
    constexpr struct {
        std::string_view path;
        Node node;
    } kNodes[] = {{"/messages/events", Node::events},
                  {"/messages/devicebound", Node::devicebound},
                  {"/twin", Node::twin},
                  {"/methods/devicebound", Node::methods}};
    constexpr std::string_view kCbs = "$cbs";

    std::string_view path = address;
    if (const auto scheme = path.find("://"); scheme != std::string_view::npos) {
        path.remove_prefix(scheme + 3);
        path.remove_prefix(std::min(path.find('/'), path.size()));
    }
    if (equals_ignoring_case(path, kCbs) || (path.starts_with('/') && equals_ignoring_case(path.substr(1), kCbs)))
        return LinkAddress{Node::cbs, {}};
    while (path.ends_with('/')) path.remove_suffix(1);
    std::string with_slash;
    if (!path.starts_with('/')) {
        with_slash = "/" + std::string(path);
        path = with_slash;
    }
    auto identity = take_identity(path);
    if (identity)
        for (const auto& node : kNodes)
            if (equals_ignoring_case(path, node.path)) return LinkAddress{node.node, *std::move(identity)};
    return fail(Errc::not_found, "no node has this address");
}

std::string path_of(const domain::Identity& identity) {
    std::string path = "/devices/" + percent_encode(identity.device);
    if (identity.is_module()) path += "/modules/" + percent_encode(identity.module);
    return path;
}

Result<SaslUser> parse_sasl_user(std::string_view user, std::string_view host_name) {
    // Ids may hold '@', so the last one counts.
    const auto at = user.rfind('@');
    if (at == std::string_view::npos) return fail(Errc::unauthorized, "SASL user without '@'");
    std::string_view hub = user.substr(at + 1);
    const std::string_view name = user.substr(0, at);
    const auto drop = [&hub](std::string_view prefix) {
        if (!equals_ignoring_case(hub.substr(0, prefix.size()), prefix)) return false;
        hub.remove_prefix(prefix.size());
        return true;
    };
    const bool is_policy = drop("sas.root.");
    if (!is_policy) drop("sas.");
    // An address has no labels: then the whole of it is the name.
    const bool same_hub = equals_ignoring_case(hub, host_name.substr(0, host_name.find('.'))) || equals_ignoring_case(hub, host_name);
    if (!same_hub) return fail(Errc::unauthorized, "SASL user of another hub");
    if (is_policy) {
        if (name.empty()) return fail(Errc::unauthorized, "SASL user without a policy");
        return SaslUser{{}, std::string(name)};
    }
    std::string_view path;
    const std::string whole = "/devices/" + std::string(name);
    path = whole;
    auto identity = take_identity(path);
    if (!identity || !path.empty()) return fail(Errc::unauthorized, "SASL user that names neither a device nor a module");
    return SaslUser{*std::move(identity), {}};
}

}  // namespace selvage::codec::hub_amqp
