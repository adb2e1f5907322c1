// A stranger's first bytes, in pieces. First byte: the size of the pieces, and what the server decides.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "codec/amqp/sasl.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace selvage::codec::amqp;
    if (size == 0) return 0;
    const std::size_t step = 1 + (data[0] >> 2);
    const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
    SaslServer sasl;
    auto now = SaslServer::Step::wait;
    for (std::size_t at = 0; at < bytes.size(); at += step) {
        now = sasl.receive(bytes.substr(at, step));
        if (now == SaslServer::Step::decide && (data[0] & 1) != 0) now = (data[0] & 2) != 0 ? sasl.accept() : sasl.refuse();
        if (sasl.take_output().size() > 1024) std::abort();   // no small question gets a long answer
        if (now == SaslServer::Step::over && sasl.reason().empty()) std::abort();
        if (now == SaslServer::Step::ready || now == SaslServer::Step::over) break;
    }
    if (now == SaslServer::Step::ready && !sasl.take_rest().starts_with(std::string_view("AMQP\0\1\0\0", 8))) std::abort();
    return 0;
}
