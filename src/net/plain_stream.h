// A Stream over a connected TCP or Unix socket, without encryption. Private to net.
#pragma once

#include <memory>

#include "net/socket.h"
#include "net/stream.h"

namespace selvage::net {

std::unique_ptr<Stream> make_plain_stream(Socket socket);

}  // namespace selvage::net
