#include "edge/runtime/docker/container_processes.h"

#include <fmt/core.h>

#include <charconv>
#include <filesystem>
#include <string>

#include "base/file.h"

namespace selvage::edge::runtime {
namespace {

// The lines of /proc/<pid>/cgroup that place it below a group of its own: a root group ("/") holds everybody.
std::vector<std::string> groups_of(int pid) {
    const auto text = read_file(fmt::format("/proc/{}/cgroup", pid), 64 * 1024);
    std::vector<std::string> groups;
    if (!text) return groups;
    for (std::size_t at = 0; at < text->size();) {
        const std::size_t end = std::min(text->find('\n', at), text->size());
        std::string line = text->substr(at, end - at);
        at = end + 1;
        const auto path = line.find(":/");
        if (path != std::string::npos && path + 2 < line.size()) groups.push_back(std::move(line));
    }
    return groups;
}

}  // namespace

Result<std::vector<int>> processes_beside(int first_process) {
    const auto wanted = groups_of(first_process);
    if (first_process <= 0 || wanted.empty())
        return fail(Errc::not_found, fmt::format("process {} is gone or in no control group of its own", first_process));
    std::vector<int> pids;
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator("/proc", error)) {
        const std::string name = entry.path().filename().string();
        int pid = 0;
        const auto [end, bad] = std::from_chars(name.data(), name.data() + name.size(), pid);
        if (bad != std::errc() || end != name.data() + name.size()) continue;
        if (pid == first_process || groups_of(pid) == wanted) pids.push_back(pid);
    }
    return pids;
}

}  // namespace selvage::edge::runtime
