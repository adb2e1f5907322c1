#include "edge/daemon/system_info.h"

#include <fmt/core.h>
#include <sys/statvfs.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <array>
#include <set>
#include <sstream>

#include "base/encoding.h"
#include "base/file.h"

namespace selvage::edge::daemon {
namespace {

constexpr std::size_t kSmallFileBytes = 1 << 20;

#if defined(__x86_64__)
constexpr const char* kArchitecture = "x86_64";
#elif defined(__aarch64__)
constexpr const char* kArchitecture = "aarch64";
#else
constexpr const char* kArchitecture = "arm";
#endif

std::string text_of(const std::string& path) { return std::string(trim(read_file(path, kSmallFileBytes).value_or(""))); }

// A value of /etc/os-release, without its quotes.
std::string os_value(const std::string& os_release, std::string_view key) {
    std::istringstream lines(os_release);
    for (std::string line; std::getline(lines, line);) {
        if (!line.starts_with(key) || line.size() <= key.size() || line[key.size()] != '=') continue;
        std::string_view value = trim(std::string_view(line).substr(key.size() + 1));
        if (value.size() >= 2 && (value.front() == '"' || value.front() == '\'')) value = value.substr(1, value.size() - 2);
        return std::string(value);
    }
    return {};
}

// A line "MemTotal:  123 kB" of /proc/meminfo, in bytes.
std::int64_t memory_bytes(const std::string& meminfo, std::string_view key) {
    std::istringstream lines(meminfo);
    for (std::string name, rest; lines >> name; std::getline(lines, rest)) {
        if (name != fmt::format("{}:", key)) continue;
        std::int64_t kibibytes = 0;
        lines >> kibibytes;
        return kibibytes * 1024;
    }
    return 0;
}

const char* virtualized() {
    const bool in_container = file_exists("/.dockerenv") || file_exists("/run/.containerenv");
    const bool in_machine = read_file("/proc/cpuinfo", kSmallFileBytes).value_or("").find(" hypervisor") != std::string::npos;
    return in_container || in_machine ? "yes" : "no";
}

void put(JsonObject& object, std::string_view key, const std::string& value) {
    if (!value.empty()) object[key] = value;
}

// In the order of docs/wire/management-api.md#systeminfo, without what the engine knows. Blocks.
JsonObject read_machine() {
    JsonObject info;
    utsname names{};
    const bool named = ::uname(&names) == 0;
    info["osType"] = named ? names.sysname : "UNKNOWN";
    if (named) {
        info["kernel_release"] = names.release;
        info["kernel_version"] = names.version;
    }
    std::string os_release = text_of("/etc/os-release");
    if (os_release.empty()) os_release = text_of("/usr/lib/os-release");
    put(info, "operating_system", os_value(os_release, "ID"));
    put(info, "operating_system_version", os_value(os_release, "VERSION_ID"));
    put(info, "operating_system_variant", os_value(os_release, "VARIANT_ID"));
    put(info, "operating_system_build", os_value(os_release, "BUILD_ID"));
    info["architecture"] = kArchitecture;
    info["cpus"] = ::sysconf(_SC_NPROCESSORS_ONLN);
    info["total_memory"] = memory_bytes(text_of("/proc/meminfo"), "MemTotal");
    info["virtualized"] = virtualized();
    put(info, "product_name", text_of("/sys/devices/virtual/dmi/id/product_name"));
    put(info, "system_vendor", text_of("/sys/devices/virtual/dmi/id/sys_vendor"));
    return info;
}

struct CpuTimes {
    std::int64_t busy = 0;
    std::int64_t all = 0;
};

// The first line of /proc/stat: user nice system idle iowait …
CpuTimes read_cpu_times() {
    std::istringstream line(text_of("/proc/stat"));
    std::string name;
    line >> name;
    CpuTimes times;
    std::int64_t value = 0;
    for (int column = 0; column < 8 && line >> value; ++column) {
        times.all += value;
        if (column != 3 && column != 4) times.busy += value;
    }
    return times;
}

std::string disk_kind(const std::string& device) {
    std::string name = device.substr(device.rfind('/') + 1);
    while (!name.empty() && !file_exists("/sys/block/" + name)) name.pop_back();
    if (name.empty()) return "Unknown(-1)";
    const std::string rotational = text_of("/sys/block/" + name + "/queue/rotational");
    return rotational == "0" ? "SSD" : rotational == "1" ? "HDD" : "Unknown(-1)";
}

JsonArray read_disks() {
    JsonArray disks;
    std::set<std::string> seen;
    std::istringstream lines(text_of("/proc/mounts"));
    for (std::string line; std::getline(lines, line);) {
        std::istringstream fields(line);
        std::string device;
        std::string place;
        std::string file_system;
        fields >> device >> place >> file_system;
        if (!device.starts_with("/dev/") || !seen.insert(device).second) continue;
        struct statvfs space {};
        if (::statvfs(place.c_str(), &space) != 0 || space.f_blocks == 0) continue;
        disks.push_back(JsonObject{{"name", device},
                                   {"available_space", space.f_bavail * space.f_frsize},
                                   {"total_space", space.f_blocks * space.f_frsize},
                                   {"file_system", file_system},
                                   {"file_type", disk_kind(device)}});
    }
    return disks;
}

JsonObject read_resources() {
    JsonObject resources;
    resources["host_uptime"] = std::atoll(text_of("/proc/uptime").c_str());
    const std::string meminfo = text_of("/proc/meminfo");
    const std::int64_t total = memory_bytes(meminfo, "MemTotal");
    resources["used_ram"] = total - memory_bytes(meminfo, "MemAvailable");
    resources["total_ram"] = total;
    resources["disks"] = read_disks();
    return resources;
}

}  // namespace

SystemInfo::SystemInfo(runtime::ModuleRuntime& runtime, async::TimeSource& time, async::BlockingPool& blocking,
                       std::string version, std::map<std::string, std::string> additional)
    : runtime_(runtime), time_(time), blocking_(blocking), version_(std::move(version)), additional_(std::move(additional)),
      started_(time.now()) {}

Awaitable<Result<JsonObject>> SystemInfo::describe() {
    auto machine = co_await blocking_.run([]() -> Result<JsonObject> { return read_machine(); });
    if (!machine) co_return fail(machine.error());
    JsonObject info = std::move(*machine);
    info["version"] = version_;
    auto engine = co_await runtime_.info();
    if (!engine) co_return fail(engine.error());
    put(info, "server_version", engine->server_version);
    info["provisioning"] = JsonObject{{"type", "ProvisioningType"}, {"dynamicReprovisioning", false}, {"alwaysReprovisionOnStartup", false}};
    for (const auto& [key, value] : additional_) {
        if (key == "version" || key == "cpus" || key == "total_memory" || key == "provisioning") continue;
        info[key == "kernel" ? "osType" : key] = value;
    }
    co_return info;
}

Awaitable<Result<JsonObject>> SystemInfo::resources() {
    // The engine's statistics take a second or more, which is the span over which the processors are watched.
    const CpuTimes before = read_cpu_times();
    auto statistics = co_await runtime_.statistics();
    if (!statistics) co_return fail(statistics.error());
    auto read = co_await blocking_.run([]() -> Result<JsonObject> { return read_resources(); });
    if (!read) co_return fail(read.error());
    const CpuTimes after = read_cpu_times();
    const std::int64_t all = after.all - before.all;
    JsonObject resources = std::move(*read);
    resources["process_uptime"] = std::chrono::floor<std::chrono::seconds>(time_.now() - started_).count();
    resources["used_cpu"] = all <= 0 ? 0.0 : 100.0 * static_cast<double>(after.busy - before.busy) / static_cast<double>(all);
    resources["docker_stats"] = to_text(Json(std::move(*statistics)));
    co_return resources;
}

}  // namespace selvage::edge::daemon
