// The bytes of a segment file: records, their checksums, and the fields of each kind.
//
// Pure: bytes in, values out; no file, no clock, no allocation for a record that is only read. Views point into the given
// bytes. Format: docs/wire/message-log.md.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace selvage::storage::segment {

using QueueId = std::uint32_t;   // the same types as in message_log.h
using Offset = std::uint64_t;
using Millis = std::int64_t;     // since 1970, UTC
inline constexpr Millis kNever = std::numeric_limits<Millis>::max();

inline constexpr std::string_view kMagic = "SELVLOG\n";   // a segment file begins with it; the header record follows
inline constexpr std::uint64_t kFormatVersion = 1;
inline constexpr std::size_t kFrameBytes = 8;             // length and checksum in front of every record
inline constexpr std::size_t kTrailerBytes = 8;           // behind the seal, at the end of a sealed segment
inline constexpr std::size_t kPayloadBytesMax = 16u << 20;
inline constexpr std::size_t kTargetsMax = 4096;
inline constexpr std::size_t kRecordBytesMax = kPayloadBytesMax + (1u << 20);
inline constexpr std::size_t kNameBytesMax = 4096;

// A mark says that everything in front of it had been synced before it was written. Recovery needs to know: damage in front of
// a mark is damage, damage behind the last one is a write that a crash tore.
enum class Kind : std::uint8_t { header = 1, data = 2, queue = 3, cursors = 4, drop = 5, seal = 6, mark = 7 };
inline constexpr std::size_t kMarkBytes = kFrameBytes + 1;

// --- frames ---

// A record whose checksum is right.
struct Frame {
    Kind kind{};
    std::string_view body;        // behind the kind byte
    std::size_t bytes = 0;        // of the whole record
    std::uint32_t checksum = 0;
};

// The salt of the header record's checksum; the header's checksum is the salt of all other records of its segment.
std::uint32_t header_salt(std::uint64_t segment_number);

// How long the record that begins here says it is; needs kFrameBytes bytes. 0 when no record can be that long or short.
std::size_t claimed_bytes(std::string_view bytes);
// The record at the beginning of `bytes`, which lie at `position` of their file. Nothing when it is not valid there.
std::optional<Frame> read_frame(std::string_view bytes, std::uint64_t position, std::uint32_t salt);

// Writing: begin, append the body's fields to `out`, end. `position` is the record's place in the file.
std::size_t begin_frame(std::string& out, Kind kind);
// Returns the checksum.
std::uint32_t end_frame(std::string& out, std::size_t begun_at, std::uint64_t position, std::uint32_t salt);

void put_varint(std::string& out, std::uint64_t value);
void put_text(std::string& out, std::string_view text);

// --- bodies ---

// One row of the queue table.
struct QueueRow {
    QueueId id = 0;
    std::string name;
    Offset next = 0;              // what the next record gets
    Offset cursor = 0;
    std::uint64_t retention_ms = 0;
    std::uint64_t retention_bytes = 0;
    Millis last_enqueued = 0;
    bool operator==(const QueueRow&) const = default;
};

// The first record of a segment: the whole queue table, so that older segments need not be read at start-up.
struct Header {
    std::uint64_t number = 0;
    Millis created = 0;
    QueueId next_id = 1;
    std::vector<QueueRow> queues;
};

// What one queue has in one segment: records [first, end).
struct QueueSpan {
    QueueId queue = 0;
    Offset first = 0;
    Offset end = 0;
    std::uint64_t bytes = 0;      // of whole records
    Millis expires_max = 0;       // kNever when one of them never expires
    bool operator==(const QueueSpan&) const = default;
};

// The last record of a full segment: what is in it.
struct Seal {
    Millis enqueued_max = 0;
    std::vector<QueueSpan> spans;   // ordered by queue
};

struct DataTarget {
    QueueId queue = 0;
    std::uint64_t delta = 0;      // offset, counted from the queue's `next` in the header (0 if it is not in there)
    Millis expires = kNever;
};
struct Data {
    Millis enqueued = 0;
    std::vector<DataTarget> targets;
    std::string_view payload;
};

struct Cursor {
    QueueId queue = 0;
    Offset cursor = 0;
};

// Each put_… appends the fields of a body.
void put_header(std::string& out, const Header& header);
void put_queue(std::string& out, const QueueRow& row);   // id, name and retention only
void put_data_start(std::string& out, Millis enqueued, std::size_t targets);
void put_data_target(std::string& out, const DataTarget& target, Millis enqueued);
void put_seal(std::string& out, const Seal& seal);
// Trailer: behind the seal record, `seal_bytes` long.
void put_trailer(std::string& out, std::size_t seal_bytes);

// False: the body does not parse. Outputs are overwritten, so that a loop allocates once.
bool read_header(std::string_view body, Header& header);
bool read_queue(std::string_view body, QueueRow& row);
bool read_data(std::string_view body, Data& data);
bool read_cursors(std::string_view body, std::vector<Cursor>& cursors);
bool read_drop(std::string_view body, QueueId& queue);
bool read_seal(std::string_view body, Seal& seal);
// The length of the seal record in front of a trailer; 0 when this is no trailer.
std::size_t read_trailer(std::string_view trailer);

}  // namespace selvage::storage::segment
