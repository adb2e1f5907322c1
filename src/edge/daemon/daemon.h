// The security daemon: identities, certificates, the two API servers, and the watch over edgeAgent.
//
//   Daemon daemon(loop, time, random, blocking, dialer, *runtime, settings);
//   auto started = co_await daemon.start();      // sockets are open; the rest comes up behind, again and again
//   co_await daemon.over();                      // only when the watchdog gave up
//   co_await daemon.stop();                      // modules go on running
//
// Runs on: one loop. Everything given outlives it.
#pragma once

#include <memory>
#include <string>

#include "async/blocking_pool.h"
#include "async/time_source.h"
#include "base/random.h"
#include "edge/config/apply.h"
#include "edge/config/super_config.h"
#include "edge/daemon/module_sockets.h"
#include "edge/runtime/module_runtime.h"
#include "net/dial.h"

namespace selvage::edge::daemon {

using async::Awaitable;

struct DaemonSettings {
    config::SuperConfig config;
    config::Home home;                 // an absolute path without links: containers mount from it
    std::string version;
    std::uint16_t hub_port = 443;
    // For tests: the hub is called without TLS.
    bool hub_in_clear = false;
    // For simulation: opens the sockets of the two APIs and of the modules. Empty: real ones.
    OpenSocket open_socket{};
};

class Daemon {
public:
    Daemon(async::Executor loop, async::TimeSource& time, Random& random, async::BlockingPool& blocking, net::Dialer& dialer,
           runtime::ModuleRuntime& runtime, DaemonSettings settings);
    ~Daemon();

    // Reads keys and certificates and opens the sockets; a container engine or hub that is down is waited for behind it.
    // Errors: what is wrong with keys, certificates, files or sockets.
    Awaitable<Result<>> start();
    // Returns when the daemon cannot go on by itself; the error says why. Or cancelled.
    Awaitable<Error> over();
    // Closes the sockets. Containers are left as they are. Idempotent.
    Awaitable<> stop();

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace selvage::edge::daemon
