// What a hub's process is given: a loop, clocks, randomness, and hooks for whoever wants to stand between its parts.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "async/time_source.h"
#include "base/random.h"
#include "net/listener.h"
#include "storage/log/message_log.h"

namespace selvage::assembly {

// All of it outlives the process.
struct Surroundings {
    async::Executor loop;
    async::TimeSource& time;           // of what the hub keeps and does: intervals, times to live, retries
    // Of what clients see: connections' deadlines and keep-alives, when tokens end, how long a method call may take. The
    // same as `time` but for a hub whose own time runs faster.
    async::TimeSource& client_time;
    Random& random;
    // Stands between a connection of a device and the head that serves it. Empty: nothing does.
    std::function<net::Serve(net::Serve serve)> around_devices{};
    // Stands between the hub and its message log. Empty: nothing does.
    std::function<std::unique_ptr<storage::MessageLog>(std::unique_ptr<storage::MessageLog> log)> around_log{};
};

inline net::Serve for_devices(const Surroundings& around, net::Serve serve) {
    return around.around_devices ? around.around_devices(std::move(serve)) : serve;
}

// Port 0: any that is free.
struct ListenAt {
    std::string address;
    std::uint16_t mqtt_port = 0;
    std::uint16_t amqp_port = 0;
    std::uint16_t https_port = 0;
    // What to do when the port of a protocol ("mqtt", "amqp", "https") cannot be had, for the error. Empty: nothing is said.
    std::function<std::string(std::string_view protocol)> advice{};
};

}  // namespace selvage::assembly
