// Where TLS connections wait for their first words. Private to net.
//
// Most of what strangers cost is what serves them: coroutines, and a head's state. Here a connection is its stream, one entry
// of a list and what it has said so far, until that is enough to be served. One timer for all.
// Runs on: the listener's loop.
#pragma once

#include <functional>
#include <list>
#include <memory>

#include "async/time_source.h"
#include "net/listener.h"
#include "net/tls_stream.h"

namespace selvage::net {

class Lobby {
public:
    using Next = std::function<void(std::shared_ptr<ServerStream>)>;

    // `enough` null: any bytes are. Calls `next` with who has said enough.
    Lobby(async::Executor loop, async::TimeSource& time, Duration timeout, SaidEnough enough, Next next);
    ~Lobby();
    Lobby(const Lobby&) = delete;
    Lobby& operator=(const Lobby&) = delete;

    // `next` may be called from here. Who says too little within the time is closed.
    void enter(std::shared_ptr<ServerStream> stream);
    // Closes all that wait.
    void clear();
    std::size_t size() const { return entries_.size(); }

private:
    class Entry;
    using Entries = std::list<std::shared_ptr<Entry>>;
    void close_late();

    async::TimeSource& time_;
    Duration timeout_;
    SaidEnough enough_;
    Next next_;
    Entries entries_;    // the first to be late in front
    std::unique_ptr<async::Timer> timer_;
};

}  // namespace selvage::net
