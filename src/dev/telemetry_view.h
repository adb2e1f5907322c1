// Shows telemetry as it comes into the cloud hub, as `hubctl monitor-events` does.
//
// Goes on where it was when the hub is restarted. Runs on: the hub's loop.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "async/event.h"
#include "async/task_group.h"
#include "cloud/telemetry/event_log.h"

namespace selvage::dev {

class TelemetryView {
public:
    // `show`: one event, as text or as a line of JSON; null: nothing is shown, only counted.
    using Show = std::function<void(const std::string& text)>;
    TelemetryView(async::Executor loop, bool json, Show show);

    // Reads until pause(); `events` lives that long.
    void follow(cloud::telemetry::EventLog& events);
    async::Awaitable<> pause();

    // How many identities have sent something.
    std::size_t senders() const { return senders_.size(); }
    // Returns when `count` have, or when cancelled.
    async::Awaitable<> heard_from(std::size_t count);

private:
    async::Awaitable<> read(cloud::telemetry::EventLog& events, std::size_t partition);
    void take(std::size_t partition, const cloud::telemetry::Event& event);

    async::Executor loop_;
    bool json_;
    Show show_;
    std::vector<storage::Offset> next_;
    std::vector<std::string> senders_;             // sorted; those of the fleet, at most kSendersMax
    async::Event heard_;
    std::unique_ptr<async::TaskGroup> readers_;
};

}  // namespace selvage::dev
