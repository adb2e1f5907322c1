// The sensor at work: measures on time, sends what it measured, does what its twin, its method and its input say.
//
// Runs on: one loop. start(), then stop() before destruction. At most 1000 messages wait for the hub; then it measures
// nothing until there is room.
#pragma once

#include <memory>

#include "async/event.h"
#include "async/task_group.h"
#include "device_client/device_client.h"
#include "simulated_temperature_sensor/backlog.h"
#include "simulated_temperature_sensor/control.h"
#include "simulated_temperature_sensor/settings.h"

namespace selvage::temperature_sensor {

using async::Awaitable;

inline constexpr std::size_t kBacklogMax = 1000;
inline constexpr std::chrono::seconds kStopWait{5};
// The twin may say that nothing is to be sent, so it is read first; a hub that has none to give is not waited for longer.
inline constexpr std::chrono::seconds kTwinWait{30};

class Sensor {
public:
    Sensor(async::Executor loop, async::TimeSource& time, Random& random, net::Dialer& dialer,
           device_client::TokenSource& tokens, device_client::ClientSettings client, Settings settings);

    void start();
    // Measures no more, waits up to kStopWait for acknowledgements, ends all.
    Awaitable<> stop();

    std::size_t waiting() const { return backlog_.size(); }

private:
    device_client::Handlers handlers();
    Awaitable<> measure_loop();
    Awaitable<> send_loop();
    Awaitable<> twin_loop();
    Awaitable<> wait_until_due(TimePoint last);
    // Reads the twin if that is due, then reports. False: try again when the connection is back.
    Awaitable<bool> bring_twin_up_to_date();
    void measure();
    void take_desired(const JsonObject& desired);
    void take_control(const domain::Message& message);
    void sent(Backlog::Ticket ticket, const Result<>& result);

    async::TimeSource& time_;
    Random& random_;
    Settings settings_;
    Machine machine_;
    Sending sending_;
    Backlog backlog_{kBacklogMax};
    std::string batch_id_;
    std::int64_t measured_ = 0;
    std::int64_t acknowledged_ = 0;
    bool twin_unread_ = false;
    async::Event sending_changed_;
    async::Event something_waits_;     // the backlog has a message to send
    async::Event room_;                // the backlog is not full
    async::Event empty_;               // the backlog is empty
    async::Event twin_due_;
    async::Event twin_read_;
    async::TaskGroup measuring_;
    async::TaskGroup tasks_;
    device_client::DeviceClient client_;
};

}  // namespace selvage::temperature_sensor
