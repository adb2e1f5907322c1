// Messages that back ends send to devices: the body of the JSON form with what their properties ask of a mailbox. What is taken
// comes out again as it went in, but for what the hub sets.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "cloud/c2d/mail_input.h"
#include "heads/http/message_headers.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace selvage;
    constexpr UtcTime kNow{std::chrono::sys_days{std::chrono::year{2026} / 3 / 1}};
    constexpr std::size_t kBytesMax = 65'536;
    const auto messages = heads::http::read_batch(std::string_view(reinterpret_cast<const char*>(data), size));
    if (!messages) return 0;
    for (const auto& message : *messages) {
        const auto mail = cloud::c2d::make_mail(message, "d1", kNow, kNow + std::chrono::hours(1), kBytesMax);
        if (!mail) continue;
        SELVAGE_ASSERT(mail->expires > kNow);
        const auto read = cloud::c2d::read_mail(*mail);
        SELVAGE_ASSERT(read && read->body == message.body && read->properties == message.properties);
        SELVAGE_ASSERT(read->get(domain::SystemProperty::to) == "/devices/d1/messages/devicebound");
        SELVAGE_ASSERT(read->get(domain::SystemProperty::lock_token) == std::nullopt);
    }
    return 0;
}
