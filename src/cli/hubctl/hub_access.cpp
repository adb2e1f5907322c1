#include "cli/hubctl/hub_access.h"

#include <charconv>

#include "base/file.h"
#include "cloud/data_folder/data_folder.h"
#include "codec/connection_string/connection_string.h"

namespace selvage::cli::hubctl {

namespace {

namespace folders = cloud::data_folder;

constexpr const char* kOwner = "iothubowner";

// A server that listens on all addresses is reached on this one.
std::string reachable(const std::string& listen_address) {
    if (listen_address == "0.0.0.0") return "127.0.0.1";
    if (listen_address == "::") return "::1";
    return listen_address;
}

Result<folders::Policy> policy_of(const folders::DataFolder& folder, const std::string& wanted) {
    SELVAGE_TRY(const auto policies, folders::read_policies(folder));
    std::string known;
    for (const auto& policy : policies) {
        if (policy.name == wanted) return policy;
        known += (known.empty() ? "" : ", ") + policy.name;
    }
    return fail(Errc::not_found, "policy '" + wanted + "': this hub has " + known);
}

Result<> set_address(HubAccess& access, const std::string& address) {
    if (address.empty()) return {};
    const auto colon = address.rfind(':');
    const bool bare_ipv6 = address.find(':') != colon && !address.starts_with('[');
    if (colon == std::string::npos || bare_ipv6 || address.ends_with(']')) {
        access.via = address;
    } else {
        const char* end = address.data() + address.size();
        const auto [rest, error] = std::from_chars(address.data() + colon + 1, end, access.https_port);
        if (error != std::errc{} || rest != end)
            return fail(Errc::invalid_argument, "--address: give HOST or HOST:PORT");
        access.via = address.substr(0, colon);
    }
    if (access.via.starts_with('[') && access.via.ends_with(']'))
        access.via = access.via.substr(1, access.via.size() - 2);
    return {};
}

Result<HubAccess> from_data_folder(const Options& options) {
    const folders::DataFolder folder{options.data};
    SELVAGE_TRY(const auto settings, folders::read_settings(folder));
    SELVAGE_TRY(const auto policy, policy_of(folder, kOwner));
    HubAccess access;
    access.host_name = settings.host_name;
    access.via = reachable(settings.listen_address);
    access.https_port = settings.https_port;
    // A hub that runs knows better: it may have been told other addresses at its start.
    if (const auto running = folders::read_listening(folder)) {
        access.via = reachable(running->address);
        access.https_port = running->https_port;
    }
    access.policy = policy.name;
    access.key = policy.primary_key;
    SELVAGE_TRY(access.ca_pem, read_file(folder.ca_certificate()));
    access.remedy = "is the hub running? Start it with `selvage-hub serve --data " + options.data +
                    "`, or say with --address HOST:PORT where it listens";
    return access;
}

Result<HubAccess> from_connection_string(const Options& options) {
    SELVAGE_TRY(const auto parsed, codec::parse_connection_string(options.connection_string));
    if (parsed.policy_name.empty()) {
        return fail(Errc::invalid_argument,
                    "the connection string is that of a device; give one of a policy (SharedAccessKeyName=…)");
    }
    HubAccess access;
    access.host_name = parsed.host_name;
    access.policy = parsed.policy_name;
    access.key = parsed.key;
    access.remedy = "is the hub running at " + parsed.host_name + "? --address HOST:PORT says where else it listens";
    return access;
}

std::string connection_string(const std::string& host, const std::string& policy, const std::string& key) {
    codec::ConnectionString text;
    text.host_name = host;
    text.policy_name = policy;
    text.key = key;
    return codec::to_text(text);
}

}  // namespace

Result<HubAccess> find_hub(const Options& options) {
    SELVAGE_TRY(auto access, options.data.empty() ? from_connection_string(options) : from_data_folder(options));
    SELVAGE_CHECK(set_address(access, options.address));
    if (!options.ca_file.empty()) {
        SELVAGE_TRY(access.ca_pem, read_file(options.ca_file));
    }
    return access;
}

Result<std::string> policy_connection_string(const Options& options) {
    const std::string wanted = options.policy.empty() ? kOwner : options.policy;
    if (!options.data.empty()) {
        const folders::DataFolder folder{options.data};
        SELVAGE_TRY(const auto settings, folders::read_settings(folder));
        SELVAGE_TRY(const auto policy, policy_of(folder, wanted));
        return connection_string(settings.host_name, policy.name, policy.primary_key);
    }
    SELVAGE_TRY(const auto access, find_hub(options));
    if (!options.policy.empty() && access.policy != options.policy) {
        return fail(Errc::not_found,
                    "the keys of policy '" + options.policy + "' are in the hub's data folder: give --data DIR");
    }
    return connection_string(access.host_name, access.policy, access.key);
}

}  // namespace selvage::cli::hubctl
