#include "edge/daemon/module_sockets.h"

#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"

namespace selvage::edge::daemon {
namespace {

constexpr unsigned kSocketMode = 0666;   // any user of any container; the caller's process is what counts

}  // namespace

ModuleSockets::ModuleSockets(OpenSocket open, std::string folder, net::Serve serve)
    : open_(std::move(open)), folder_(std::move(folder)), serve_(std::move(serve)) {}
ModuleSockets::~ModuleSockets() = default;

std::string ModuleSockets::path_of(std::string_view module) const { return fmt::format("{}/{}.sock", folder_, module); }

Result<> ModuleSockets::bind(std::string module) {
    if (listeners_.contains(module)) return {};
    if (module.empty() || module.find('/') != std::string::npos)
        return fail(Errc::invalid_argument, fmt::format("\"{}\" is no name of a module", module));
    const std::string path = path_of(module);
    struct stat info {};
    if (::lstat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode)) {
        log::warn("daemon.sockets", "a folder is in the socket's place, remove it path={}", path);
        if (::rmdir(path.c_str()) != 0) return fail(from_errno("remove folder " + path, errno));
    }
    SELVAGE_TRY(auto listener, open_(path, kSocketMode, serve_));
    listeners_.emplace(std::move(module), std::move(listener));
    return {};
}

Awaitable<> ModuleSockets::remove(std::string module) {
    const auto at = listeners_.find(module);
    if (at != listeners_.end()) {
        const std::unique_ptr<net::Listener> listener = std::move(at->second);
        listeners_.erase(at);
        co_await listener->stop();
    }
    // A module of that name may have been bound anew meanwhile.
    if (!listeners_.contains(module)) ::unlink(path_of(module).c_str());
}

Awaitable<> ModuleSockets::stop() {
    while (!listeners_.empty()) {
        const std::unique_ptr<net::Listener> listener = std::move(listeners_.begin()->second);
        listeners_.erase(listeners_.begin());
        co_await listener->stop();
    }
}

}  // namespace selvage::edge::daemon
