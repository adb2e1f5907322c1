// An AMQP message: its sections as values, read and written.
//
// Sections may come in any order: one SDK writes annotations behind the properties. Decoded text lies in the message, the
// body stays where it was received. Wire: docs/wire/amqp.md#messages; OASIS AMQP 1.0, part 3, section 3.2.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "codec/amqp/value.h"

namespace selvage::codec::amqp {

struct Properties {
    MessageId message_id;
    std::optional<Binary> user_id;
    std::optional<std::string> to;
    std::optional<std::string> subject;
    std::optional<std::string> reply_to;
    MessageId correlation_id;
    std::optional<std::string> content_type;       // symbols on the wire
    std::optional<std::string> content_encoding;
    std::optional<Timestamp> absolute_expiry_time;
    std::optional<Timestamp> creation_time;
    bool operator==(const Properties&) const = default;
};

struct Message {
    Map message_annotations;                    // keys are symbols
    Properties properties;
    Map application_properties;                 // keys are strings
    std::vector<std::string_view> data;         // views: into the decoded bytes, or what the writer keeps alive
    std::optional<Value> value;                 // an amqp-value body

    // Data sections one after the other, or an amqp-value of text or bytes. Empty for all else.
    std::string body() const;
};

struct MessageLimits {
    std::size_t entries_max = 1024;             // of one map
    std::size_t data_sections_max = 4096;
};

// Transfers with this format hold many messages: each data section is one. docs/wire/amqp.md#batches
inline constexpr std::uint32_t kBatchedFormat = 0x80013700;

// Header, delivery annotations, sequences and the footer are read over. Errors: malformed, naming the section.
Result<Message> decode_message(std::string_view bytes, const MessageLimits& limits = {});

// Writes the sections that are not empty, in the standard's order; with neither data nor a value, one empty data section
// (some receivers insist on a body).
std::string encode_message(const Message& message);

}  // namespace selvage::codec::amqp
