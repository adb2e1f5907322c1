// The stream behind websocket.h, once hands are shaken. Private to net.
#pragma once

#include <memory>
#include <string>

#include "base/random.h"
#include "net/stream.h"

namespace selvage::net {

// `early`: bytes of the peer that came with its handshake. A client needs `random` for its masks; a server has none.
std::unique_ptr<Stream> make_websocket_server(async::Executor loop, std::shared_ptr<Stream> stream, std::string early);
std::unique_ptr<Stream> make_websocket_client(async::Executor loop, std::shared_ptr<Stream> stream, std::string early,
                                              Random& random);

}  // namespace selvage::net
