#include "cloud/auth/chain.h"

#include <algorithm>

namespace selvage::cloud::auth {

Result<std::vector<std::string>> split_chain(std::string_view chain) {
    std::vector<std::string> members;
    while (true) {
        const auto end = chain.find(';');
        members.emplace_back(chain.substr(0, end));
        if (members.back().empty()) return fail(Errc::invalid_argument, "auth chain: a member is empty");
        if (members.size() > kChainMembersMax) return fail(Errc::invalid_argument, "auth chain: too many members");
        if (end == std::string_view::npos) return members;
        chain.remove_prefix(end + 1);
    }
}

Result<std::vector<std::string>> devices_of_chain(const std::vector<std::string>& members) {
    std::vector<std::string> devices;
    for (std::size_t i = 0; i < members.size(); ++i) {
        const auto slash = members[i].find('/');
        if (slash == std::string::npos) {
            devices.push_back(members[i]);
            continue;
        }
        const std::string device = members[i].substr(0, slash);
        if (i != 0 || members.size() < 2 || members[1] != device || slash + 1 == members[i].size()) {
            return fail(Errc::invalid_argument, "auth chain: a module comes first and its device next");
        }
    }
    return devices;
}

bool is_parent(const storage::DeviceRecord& parent, const storage::DeviceRecord& child) {
    if (!parent.iot_edge || parent.device_scope.empty()) return false;
    if (!child.iot_edge && child.device_scope == parent.device_scope) return true;
    return std::ranges::find(child.parent_scopes, parent.device_scope) != child.parent_scopes.end();
}

}  // namespace selvage::cloud::auth
