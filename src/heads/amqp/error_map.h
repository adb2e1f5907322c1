// The one table from our reasons to fail to what AMQP clients see. No status number and no condition stands anywhere else in
// this room. Sources: docs/wire/amqp.md#errors.
#pragma once

#include <span>
#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "codec/amqp/engine.h"
#include "hub_api/hub.h"

namespace selvage::heads::amqp {

struct ErrorRow {
    Errc code;
    const char* link_condition;      // refused or ended links
    const char* message_condition;   // rejected messages
    int status;                      // of answers on $cbs and of twin answers
    int error_code;                  // in the body of twin answers: docs/wire/mqtt.md#error-numbers
};

std::span<const ErrorRow> error_rows();
const ErrorRow& row_of(Errc code);

// The statuses of success.
inline constexpr int kTokenTaken = 200;
inline constexpr int kTwinDone = 200;
inline constexpr int kTwinPatched = 204;

// As a link ends, or a message is rejected. The detail of a failure of ours stays in the log.
codec::amqp::Condition link_condition(const Error& error);
codec::amqp::Condition message_condition(const Error& error);
codec::amqp::Condition close_condition(hub_api::CloseReason reason);

// What has no reason of the domain behind it.
codec::amqp::Condition lock_lost();
codec::amqp::Condition replaced_link();
codec::amqp::Condition too_many_waiting();
codec::amqp::Condition bad_idle_time_out();

// {"errorCode":…,"trackingId":…,"message":…,"timestampUtc":…}
std::string error_body(const Error& error, const std::string& tracking_id, UtcTime now);

}  // namespace selvage::heads::amqp
