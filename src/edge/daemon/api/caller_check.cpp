#include "edge/daemon/api/caller_check.h"

#include <fmt/core.h>
#include <grp.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "base/encoding.h"
#include "base/file.h"
#include "base/log.h"

namespace selvage::edge::daemon {
namespace {

constexpr std::chrono::seconds kBelieved{1};
constexpr std::size_t kModulesRemembered = 500;
constexpr int kAgentUser = 13622;                    // docs/wire/management-api.md#socket
constexpr const char* kManagersGroup = "iotedge";

std::optional<gid_t> managers_group() {
    group entry{};
    group* found = nullptr;
    std::array<char, 16384> buffer{};
    if (::getgrnam_r(kManagersGroup, &entry, buffer.data(), buffer.size(), &found) != 0 || found == nullptr) return std::nullopt;
    return found->gr_gid;
}

// Group and supplementary groups, from the lines "Gid:" and "Groups:" of /proc/<pid>/status.
bool process_is_in_group(int pid, gid_t wanted) {
    const auto status = read_file(fmt::format("/proc/{}/status", pid), 64 * 1024);
    if (!status) return false;
    for (const std::string_view title : {"\nGid:", "\nGroups:"}) {
        const auto at = status->find(title);
        if (at == std::string::npos) continue;
        const std::size_t begin = at + title.size();
        std::string_view line = std::string_view(*status).substr(begin, status->find('\n', begin) - begin);
        while (!(line = trim(line)).empty()) {
            gid_t group = 0;
            const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), group);
            if (error != std::errc()) break;
            if (group == wanted) return true;
            line.remove_prefix(static_cast<std::size_t>(end - line.data()));
        }
    }
    return false;
}

}  // namespace

Awaitable<bool> CallerCheck::is_module(int pid, std::string module_id) {
    if (pid <= 0) co_return false;
    const std::string name = module_id.substr(std::min(module_id.find_first_not_of('$'), module_id.size()));
    if (name.empty()) co_return false;
    const auto known = seen_.find(name);
    if (known != seen_.end() && time_.now() - known->second.at < kBelieved && std::ranges::find(known->second.pids, pid) != known->second.pids.end())
        co_return true;
    auto pids = co_await runtime_.processes(name);
    if (!pids) {
        log::debug("daemon.caller", "no process list module={} reason={}", name, pids.error().detail);
        seen_.erase(name);
        co_return false;
    }
    const bool found = std::ranges::find(*pids, pid) != pids->end();
    if (seen_.size() >= kModulesRemembered) seen_.clear();
    seen_.insert_or_assign(name, Seen{std::move(*pids), time_.now()});
    co_return found;
}

Awaitable<bool> CallerCheck::may_manage(int pid, int uid) {
    if (uid == 0 || uid == kAgentUser || (uid >= 0 && static_cast<uid_t>(uid) == ::geteuid())) co_return true;
    if (const auto group = managers_group(); group && process_is_in_group(pid, *group)) co_return true;
    co_return co_await is_module(pid, "edgeAgent");
}

}  // namespace selvage::edge::daemon
