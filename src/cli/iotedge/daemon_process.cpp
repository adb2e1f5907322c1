#include "cli/iotedge/daemon_process.h"

#include <fmt/core.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdio>

#include "base/encoding.h"
#include "base/file.h"

namespace selvage::cli {
namespace {
constexpr const char* kUnit = "selvaged.service";
}

std::optional<int> daemon_process(const edge::config::Home& home) {
    const auto text = read_file(home.pid_file(), 64);
    if (!text) return std::nullopt;
    const std::string_view digits = trim(*text);
    int pid = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), pid);
    if (error != std::errc() || end != digits.data() + digits.size() || pid <= 1) return std::nullopt;
    // A number may have gone to another program since.
    const auto name = read_file(fmt::format("/proc/{}/comm", pid), 64);
    if (!name || trim(*name) != "selvaged") return std::nullopt;
    return pid;
}

bool is_systemd_service() {
    if (!file_exists("/run/systemd/system")) return false;
    for (const char* folder : {"/etc/systemd/system", "/lib/systemd/system", "/usr/lib/systemd/system"})
        if (file_exists(fmt::format("{}/{}", folder, kUnit))) return true;
    return false;
}

Result<std::string> systemctl(const char* action) {
    // Both parts are ours, so a shell sees nothing from outside.
    const std::string line = fmt::format("systemctl {} {} 2>&1", action, kUnit);
    std::FILE* pipe = ::popen(line.c_str(), "re");
    if (pipe == nullptr) return fail(from_errno("run systemctl", errno));
    std::string output;
    std::array<char, 4096> buffer{};
    for (std::size_t got = 0; (got = std::fread(buffer.data(), 1, buffer.size(), pipe)) > 0;) output.append(buffer.data(), got);
    const int status = ::pclose(pipe);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        return fail(Errc::unavailable, fmt::format("systemctl {} {}: {}", action, kUnit, trim(output)));
    return std::string(trim(output));
}

Result<> reload_daemon(int pid) {
    if (::kill(pid, SIGHUP) != 0) return fail(from_errno(fmt::format("signal process {}", pid), errno));
    return {};
}

}  // namespace selvage::cli
