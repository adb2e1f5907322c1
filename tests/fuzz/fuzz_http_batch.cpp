// A batch of telemetry as JSON: never a crash, and never more than a batch may carry.
#include "heads/http/message_headers.h"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
    using namespace selvage::heads::http;
    const auto batch = read_batch({reinterpret_cast<const char*>(data), size});
    if (!batch) return 0;
    SELVAGE_ASSERT(batch->size() <= kBatchMessagesMax);
    std::size_t bytes = 0;
    for (const auto& message : *batch) {
        bytes += message.counted_bytes();
        // What came in may go out to another device: as fields that a client can read.
        selvage::net::HttpHeaders fields;
        write_properties(message, "lock", fields);
        for (const auto& [name, value] : fields.fields) {
            for (const char c : name) SELVAGE_ASSERT(c > 0x20 && c < 0x7f && c != ':');
            for (const char c : value) SELVAGE_ASSERT(static_cast<unsigned char>(c) >= 0x20 && c != 0x7f);
        }
    }
    SELVAGE_ASSERT(bytes <= kBatchBytesMax);
    return 0;
}
