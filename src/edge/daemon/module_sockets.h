// One workload socket a module, at <folder>/<name>.sock, to be mounted into its container.
//
// Bound before a container starts (the engine would make a folder in the place of a missing file) and kept until the module is
// removed. Runs on: one loop.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "async/time_source.h"
#include "net/listener.h"

namespace selvage::edge::daemon {

using async::Awaitable;

// Listens on a Unix socket at `path`, with that mode.
using OpenSocket = std::function<Result<std::unique_ptr<net::Listener>>(const std::string& path, unsigned mode, net::Serve serve)>;

class ModuleSockets {
public:
    // `serve` handles each connection.
    ModuleSockets(OpenSocket open, std::string folder, net::Serve serve);
    ~ModuleSockets();

    std::string path_of(std::string_view module) const;
    // Fine when it is bound already. Errors: invalid_argument (path longer than a socket's may be, or a name with a slash),
    // io_error.
    Result<> bind(std::string module);
    // Stops listening and removes the file.
    Awaitable<> remove(std::string module);
    // Stops listening on all.
    Awaitable<> stop();

private:
    OpenSocket open_;
    std::string folder_;
    net::Serve serve_;
    std::map<std::string, std::unique_ptr<net::Listener>> listeners_;
};

}  // namespace selvage::edge::daemon
