// One identity's connection to the hub above, and the place where such connections come from.
//
// Runs on: the hub's loop.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "async/awaitable.h"
#include "base/result.h"
#include "domain/identity.h"
#include "domain/message.h"

namespace selvage::edge::hub {

class UpstreamLink {
public:
    virtual ~UpstreamLink() = default;

    virtual bool is_connected() const = 0;
    // Waits until connected; false when the link has been stopped.
    virtual async::Awaitable<bool> connected() = 0;

    // Called once, on the loop: the hub above has the message, or why not. connection_closed: it may or may not have it.
    using SendDone = std::move_only_function<void(const Result<>&)>;
    // False: not connected or the window is full; the message was not taken.
    virtual bool send(const domain::Message& message, SendDone done) = 0;
    // Waits until send() would take a message; false when the link has been stopped.
    virtual async::Awaitable<bool> room() = 0;

    // As DeviceClient's.
    virtual async::Awaitable<Result<std::string>> get_twin() = 0;
    virtual async::Awaitable<Result<std::int64_t>> patch_reported(std::string patch) = 0;
};

class LinkSource {
public:
    virtual ~LinkSource() = default;
    // The link of an identity, made and started if there is none. Null once everything is being stopped, and for an
    // identity that is gone.
    virtual std::shared_ptr<UpstreamLink> link(const domain::Identity& identity) = 0;
    // The hub above said that it does not know the identity (any more), or that it is disabled.
    virtual bool is_gone(const domain::Identity& identity) const = 0;
    // True while the hub above can be reached, as far as is known.
    virtual bool is_online() const = 0;
};

}  // namespace selvage::edge::hub
