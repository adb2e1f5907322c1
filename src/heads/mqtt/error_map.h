// The one table from our reasons to fail to what MQTT clients see. No status number stands anywhere else in this room.
#pragma once

#include <span>
#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "codec/mqtt/packet.h"

namespace selvage::heads::mqtt {

struct ErrorRow {
    Errc code;
    int twin_status;                       // in the topic of a twin answer
    int error_code;                        // in its body: docs/wire/mqtt.md#error-numbers
    codec::mqtt::ConnectCode connect_code; // docs/wire/mqtt.md#connack
};

std::span<const ErrorRow> error_rows();
const ErrorRow& row_of(Errc code);

// The statuses of success.
inline constexpr int kTwinGot = 200;
inline constexpr int kTwinPatched = 204;

// {"errorCode":…,"trackingId":…,"message":…,"timestampUtc":…}. The detail of a failure of ours stays in the log.
std::string error_body(const Error& error, const std::string& tracking_id, UtcTime now);

}  // namespace selvage::heads::mqtt
