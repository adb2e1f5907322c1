// The names of the queues in the message log: one queue an endpoint and priority.
//
// `iothub`, `iothub_Pri0`; `{edge}/{module}/{input}`, `{edge}/{module}/{input}_Pri3`.
// Wire: docs/wire/edge-hub.md#store-and-forward.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "query/routes/route_table.h"

namespace selvage::edge::hub {

struct QueueAddress {
    query::Sink sink;
    std::uint32_t priority = query::kDefaultPriority;
    bool operator==(const QueueAddress&) const = default;
};

// `edge_device` is this device's id.
std::string queue_name(const QueueAddress& address, std::string_view edge_device);
// Nothing when the name is not one of ours.
std::optional<QueueAddress> parse_queue_name(std::string_view name, std::string_view edge_device);

}  // namespace selvage::edge::hub
