#include "dev/options.h"

#include <arpa/inet.h>
#include <fmt/core.h>

#include <charconv>
#include <filesystem>

namespace selvage::dev {
namespace {

// Past this the machine's own time shows: a deadline of 20 s is 20 ms there.
constexpr double kScaleMin = 0.01;
constexpr double kScaleMax = 1000;
constexpr std::size_t kDevicesMax = 10'000;
constexpr std::size_t kSensorsMax = 1000;

bool is_address(const std::string& text) {
    in_addr four{};
    in6_addr six{};
    return inet_pton(AF_INET, text.c_str(), &four) == 1 || inet_pton(AF_INET6, text.c_str(), &six) == 1;
}

// 127.0.0.2 after 127.0.0.1. Nothing for an address that has none after it on the same net.
std::string address_after(const std::string& text) {
    in_addr address{};
    if (inet_pton(AF_INET, text.c_str(), &address) != 1) return {};
    const auto number = ntohl(address.s_addr);
    if (number >> 24 != 127 || (number & 0xff) >= 254) return {};
    const auto next = number + 1;
    return fmt::format("{}.{}.{}.{}", next >> 24, (next >> 16) & 0xff, (next >> 8) & 0xff, next & 0xff);
}

Result<> check_addresses(Options& options) {
    if (!is_address(options.listen) || options.listen == "0.0.0.0" || options.listen == "::")
        return fail(Errc::invalid_argument,
                    fmt::format("--listen {}: give an address of this machine that clients can dial, such as 127.0.0.1",
                                options.listen));
    if (options.edge_listen.empty()) options.edge_listen = address_after(options.listen);
    if (options.edge_listen.empty())
        return fail(Errc::invalid_argument,
                    fmt::format("--listen {}: give --edge-listen too, another address of this machine for the edge hub",
                                options.listen));
    if (!is_address(options.edge_listen) || options.edge_listen == "0.0.0.0" || options.edge_listen == "::")
        return fail(Errc::invalid_argument,
                    fmt::format("--edge-listen {}: give an address of this machine that clients can dial", options.edge_listen));
    if (options.edge_listen == options.listen && options.ports.mqtt != 0)
        return fail(Errc::invalid_argument,
                    "--edge-listen: SDKs dial fixed ports, so the edge hub needs another address than the cloud hub's");
    return {};
}

}  // namespace

Result<Ports> parse_ports(const std::string& text) {
    std::uint16_t numbers[3] = {};
    const char* at = text.data();
    const char* const end = text.data() + text.size();
    std::size_t count = 0;
    while (count < 3) {
        const auto [next, error] = std::from_chars(at, end, numbers[count]);
        if (error != std::errc()) break;
        ++count;
        at = next;
        if (count == 3 || at == end || *at != ',') break;
        ++at;
    }
    const bool any = count == 1 && numbers[0] == 0;
    if (at != end || (!any && (count != 3 || numbers[0] == 0 || numbers[1] == 0 || numbers[2] == 0)))
        return fail(Errc::invalid_argument,
                    fmt::format("--ports {}: give 0 for any free ones, or three: MQTT,AMQP,HTTPS, such as 8883,5671,443", text));
    return Ports{numbers[0], numbers[1], numbers[2]};
}

Result<> complete(Options& options) {
    SELVAGE_CHECK(check_addresses(options));
    if (!(options.time_scale >= kScaleMin && options.time_scale <= kScaleMax))
        return fail(Errc::invalid_argument, "--time-scale: give 0.01 to 1000; 60 makes a minute pass in a second");
    if (options.devices > kDevicesMax) return fail(Errc::invalid_argument, fmt::format("--devices: at most {}", kDevicesMax));
    if (options.sensors > kSensorsMax) return fail(Errc::invalid_argument, fmt::format("--sensors: at most {}", kSensorsMax));
    if (options.interval < std::chrono::milliseconds(1) || options.interval > std::chrono::hours(24))
        return fail(Errc::invalid_argument, "--interval: give seconds from 0.001 to 86400");
    if (!options.data.empty()) {
        std::error_code error;
        const auto folder = std::filesystem::absolute(options.data, error).lexically_normal();
        if (error) return fail(Errc::invalid_argument, fmt::format("--data {}: {}", options.data, error.message()));
        options.data = folder.string();
        while (options.data.size() > 1 && options.data.ends_with('/')) options.data.pop_back();
    }
    return {};
}

}  // namespace selvage::dev
