// Makes go wrong what was asked for, again and again, and says so.
//
//   Faults faults(loop, time, client_time, asked, say);
//   ... the hubs are built with around_devices(), around_log() and upstream() ...
//   faults.start([&] { return cloud.restart(); });
//   co_await faults.stop();      // and everything works again
//
// EVERY and FOR go by `time`, delays of connections by `client_time`. Runs on: the hubs' loop; outlives the hubs.
#pragma once

#include <functional>
#include <vector>

#include "async/task_group.h"
#include "dev/faults/connections.h"
#include "dev/faults/fault.h"
#include "dev/faults/refusing_log.h"

namespace selvage::dev {

class Faults {
public:
    using Say = std::function<void(FaultKind kind, const std::string& what)>;
    using RestartHub = std::function<async::Awaitable<Result<>>()>;

    // `dialer`: that of the edge hub.
    Faults(async::Executor loop, async::TimeSource& time, async::TimeSource& client_time, net::Dialer& dialer,
           std::vector<Fault> asked, Say say);

    // The hooks of assembly/surroundings.h; empty where nothing was asked for.
    std::function<net::Serve(net::Serve)> around_devices();
    std::function<std::unique_ptr<storage::MessageLog>(std::unique_ptr<storage::MessageLog>)> around_log();
    net::Dialer& upstream() { return upstream_; }

    void start(RestartHub restart_hub);
    async::Awaitable<> stop();

private:
    bool is_asked(FaultKind kind) const;
    async::Awaitable<> repeat(Fault fault);
    async::Awaitable<> strike(Fault fault);
    void refuse(std::optional<Error> error) { *refusal_ = std::move(error); }

    async::Executor loop_;
    async::TimeSource& time_;
    std::vector<Fault> asked_;
    Say say_;
    RestartHub restart_hub_;
    Connections devices_;
    BreakableDialer upstream_;
    Refusal refusal_ = std::make_shared<std::optional<Error>>();
    async::TaskGroup tasks_;
};

}  // namespace selvage::dev
