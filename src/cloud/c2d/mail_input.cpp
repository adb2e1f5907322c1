#include "cloud/c2d/mail_input.h"

#include <fmt/core.h>

#include <algorithm>

#include "base/encoding.h"
#include "base/time_text.h"

namespace selvage::cloud::c2d {

using domain::SystemProperty;

namespace {

constexpr std::size_t kMessageIdCharsMax = 128;
constexpr std::string_view kMessageIdSigns = "-:.+%_#*?!(),=@;$'";

Result<> check_message_id(std::string_view id) {
    const auto allowed = [](char c) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
               kMessageIdSigns.find(c) != std::string_view::npos;
    };
    if (id.size() <= kMessageIdCharsMax && std::ranges::all_of(id, allowed)) return {};
    return fail(Errc::invalid_argument,
                fmt::format("message-id: give at most {} ASCII letters, digits and {}", kMessageIdCharsMax, kMessageIdSigns));
}

Result<UtcTime> expiry_of(const domain::Message& message, UtcTime now, UtcTime otherwise) {
    const auto text = message.get(SystemProperty::absolute_expiry_time);
    if (!text || text->empty()) return otherwise;
    const auto expiry = from_iso8601(*text);
    if (!expiry) return fail(Errc::invalid_argument, "absolute-expiry-time: give ISO 8601, such as 2026-01-02T03:04:05Z");
    // What some senders write for "none" is the first or the last moment of their calendar.
    if (*text == kNeverText) return otherwise;
    if (*expiry <= now) return fail(Errc::invalid_argument, "absolute-expiry-time: the message has expired already");
    return *expiry;
}

Result<> read_ack(const domain::Message& message, storage::Mail& mail) {
    const auto ack = message.get(SystemProperty::ack).value_or("");
    const auto is = [&](std::string_view name) { return equals_ignoring_case(ack, name); };
    mail.feedback_on_success = is("positive") || is("full");
    mail.feedback_on_failure = is("negative") || is("full");
    if (ack.empty() || is("none") || mail.feedback_on_success || mail.feedback_on_failure) return {};
    return fail(Errc::invalid_argument, "iothub-ack: give none, positive, negative or full");
}

}  // namespace

Result<storage::Mail> make_mail(domain::Message message, const std::string& device_id, UtcTime now, UtcTime otherwise,
                                std::size_t bytes_max) {
    std::erase_if(message.system, [](const domain::SystemEntry& entry) { return domain::is_set_by_hub(entry.property); });
    message.erase(SystemProperty::to);
    if (const auto bytes = message.counted_bytes(); bytes > bytes_max) {
        return fail(Errc::message_too_large, fmt::format("a message of {} bytes, at most {}", bytes, bytes_max));
    }
    storage::Mail mail;
    mail.message_id = message.get(SystemProperty::message_id).value_or("");
    SELVAGE_CHECK(check_message_id(mail.message_id));
    SELVAGE_CHECK(read_ack(message, mail));
    SELVAGE_TRY(mail.expires, expiry_of(message, now, otherwise));
    mail.enqueued = now;
    message.set(SystemProperty::to, fmt::format("/devices/{}/messages/devicebound", percent_encode(device_id)));
    domain::append_record(message, mail.record);
    return mail;
}

Result<domain::Message> read_mail(const storage::Mail& mail) {
    SELVAGE_TRY(auto message, domain::read_record(mail.record));
    message.set(SystemProperty::enqueued_time, to_iso8601(mail.enqueued));
    message.set(SystemProperty::sequence_number, std::to_string(mail.sequence));
    message.set(SystemProperty::delivery_count, std::to_string(mail.delivery_count));
    return message;
}

}  // namespace selvage::cloud::c2d
