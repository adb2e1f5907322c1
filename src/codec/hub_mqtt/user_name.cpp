// The user name of CONNECT: docs/wire/mqtt.md#user-name.
#include "base/encoding.h"
#include "codec/hub_mqtt/hub_mqtt.h"
#include "codec/hub_mqtt/topic_text.h"

namespace selvage::codec::hub_mqtt {
namespace {

// The one form with a '/' inside its last part: docs/wire/mqtt.md#user-name.
constexpr std::string_view kOldModuleSuffix =
    "/api-version=2017-06-30/DeviceClientType=Microsoft.Azure.Devices.Client/1.5.1-preview-003";
constexpr std::string_view kOldModuleQuery =
    "api-version=2017-06-30&DeviceClientType=Microsoft.Azure.Devices.Client/1.5.1-preview-003";

struct Parts {
    std::string_view path;    // host/device[/module]
    std::string_view query;
};

Parts cut(std::string_view text) {
    if (text.ends_with(kOldModuleSuffix))
        return {text.substr(0, text.size() - kOldModuleSuffix.size()), kOldModuleQuery};
    if (const auto at = text.rfind("/?"); at != std::string_view::npos) return {text.substr(0, at), text.substr(at + 2)};
    const auto slash = text.rfind('/');
    if (slash != std::string_view::npos && text.substr(slash).find("api-version=") != std::string_view::npos)
        return {text.substr(0, slash), text.substr(slash + 1)};
    if (text.ends_with('/')) text.remove_suffix(1);
    return {text, {}};
}

// The first of duplicates wins, as in edgeHub.
void read_query(std::string_view query, UserName& name) {
    struct Known {
        std::string_view key;
        std::string* value;
    };
    Known known[] = {{"api-version", &name.api_version},
                     {"DeviceClientType", &name.product_info},
                     {"model-id", &name.model_id},
                     {"auth-chain", &name.auth_chain}};
    while (!query.empty()) {
        const auto end = query.find('&');
        std::string_view pair = query.substr(0, end);
        query.remove_prefix(end == std::string_view::npos ? query.size() : end + 1);
        const auto equals = pair.find('=');
        if (equals == std::string_view::npos) continue;
        for (Known& one : known) {
            if (one.value == nullptr || pair.substr(0, equals) != one.key) continue;
            *one.value = decode_leniently(pair.substr(equals + 1));
            one.value = nullptr;
        }
    }
}

}  // namespace

Result<UserName> parse_user_name(std::string_view text) {
    UserName name;
    const auto [path, query] = cut(text);
    const auto first = path.find('/');
    if (first == std::string_view::npos) return fail(Errc::malformed, "the user name is not {host}/{device}/?api-version=…");
    const auto second = path.find('/', first + 1);
    name.host = trim(path.substr(0, first));
    name.identity.device = trim(path.substr(first + 1, second == std::string_view::npos ? second : second - first - 1));
    if (second != std::string_view::npos) {
        const auto module = trim(path.substr(second + 1));
        if (module.empty() || module.find('/') != std::string_view::npos)
            return fail(Errc::malformed, "the user name's module id is empty, or there are too many parts");
        name.identity.module = module;
    }
    if (name.identity.device.empty()) return fail(Errc::malformed, "the user name's device id is empty");
    read_query(query, name);
    if (!query.empty() && trim(name.api_version).empty()) return fail(Errc::malformed, "the user name has no api-version");
    return name;
}

std::string format_user_name(const UserName& name) {
    std::string text = name.host + "/" + domain::to_text(name.identity) + "/?api-version=" + name.api_version;
    if (!name.product_info.empty()) text += "&DeviceClientType=" + percent_encode(name.product_info);
    if (!name.model_id.empty()) text += "&model-id=" + percent_encode(name.model_id);
    if (!name.auth_chain.empty()) text += "&auth-chain=" + percent_encode(name.auth_chain);
    return text;
}

}  // namespace selvage::codec::hub_mqtt
