// Bytes from a WebSocket peer: never a crash, never more output than input.
#include "base/result.h"
#include "codec/websocket/frame.h"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
    using namespace selvage::codec::websocket;
    for (const Role role : {Role::server, Role::client}) {
        FrameReader reader(role);
        std::vector<Control> controls;
        for (std::size_t at = 0; at < size; at += 17) {
            std::string piece(reinterpret_cast<const char*>(data) + at, std::min<std::size_t>(17, size - at));
            const auto read = reader.read(std::as_writable_bytes(std::span(piece)), controls);
            if (!read) break;
            SELVAGE_ASSERT(*read <= piece.size());
        }
    }
    return 0;
}
