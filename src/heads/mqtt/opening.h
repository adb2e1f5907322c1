// A stranger's first packet. Private to the room.
//
// Until a whole CONNECT is there, a connection is its stream, a deadline and the few bytes that came: who has not said who
// they are shall not cost the memory of a client.
#pragma once

#include <memory>

#include "async/time_source.h"
#include "codec/mqtt/packet.h"
#include "heads/mqtt/mqtt_head.h"
#include "net/stream.h"

namespace selvage::heads::mqtt {

struct Opening {
    codec::mqtt::Connect connect;
    // Holds the bytes behind CONNECT: clients may send on before they are let in, and are not heard until then.
    codec::mqtt::Decoder decoder;
};

// Nothing: none came in time, or something else did; why is in the debug log.
async::Awaitable<std::unique_ptr<Opening>> read_opening(net::Stream& stream, async::TimeSource& time,
                                                        const MqttSettings& settings);

}  // namespace selvage::heads::mqtt
