// Names to addresses, on threads of its own, as the system's resolver blocks. Private to net.
#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "async/awaitable.h"
#include "base/result.h"

namespace selvage::net {

struct Address {
    sockaddr_storage storage{};
    socklen_t size = 0;
};

class Resolver {
public:
    Resolver();
    ~Resolver();  // waits for look-ups under way

    // All addresses of a name, in the system's order of preference; a numeric address needs no
    // look-up. Never empty. May be cancelled: the look-up goes on unheard. Errors: unavailable
    // (with the resolver's words), throttled, cancelled.
    async::Awaitable<Result<std::vector<Address>>> resolve(std::string host, std::uint16_t port);

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

// "hub.example:8883", "[::1]:8883".
std::string host_and_port(const std::string& host, std::uint16_t port);

// "127.0.0.1" or "::1" as an address; nothing else. Errors: invalid_argument.
Result<Address> numeric_address(const std::string& host, std::uint16_t port);

// Errors: invalid_argument when the path is longer than the 107 bytes that the kernel takes.
Result<Address> unix_address(const std::string& path);

}  // namespace selvage::net
