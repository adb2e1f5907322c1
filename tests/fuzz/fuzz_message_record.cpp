// Any bytes as a stored message: refused, or the one record of the message that they give.
#include "domain/message.h"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
    const std::string_view record(reinterpret_cast<const char*>(data), size);
    const auto message = selvage::domain::read_record(record);
    if (!message) return 0;
    std::string again;
    selvage::domain::append_record(*message, again);
    SELVAGE_ASSERT(again == record);
    return 0;
}
