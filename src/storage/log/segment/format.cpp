// Layout of a record: u32 length of the body, u32 CRC-32C, body. The body's first byte is the kind.
// All fixed numbers are little-endian, all others LEB128 varints.
//
// The checksum covers position, length and body, seeded with the segment's salt. A byte sequence that was valid in another
// segment, or at another place of this one, is never taken for a record.
#include "storage/log/segment/format.h"

#include <cstring>

#include "base/crc32c.h"

namespace selvage::storage::segment {
namespace {

constexpr std::string_view kTrailerMagic = "SEAL";

template <class T>
void store(char* to, T value) {
    for (std::size_t i = 0; i < sizeof(T); ++i) to[i] = static_cast<char>(value >> (8 * i));
}
std::uint32_t load32(const char* from) {
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < 4; ++i) value |= std::uint32_t{static_cast<unsigned char>(from[i])} << (8 * i);
    return value;
}

std::uint32_t checksum(std::string_view body, std::uint64_t position, std::uint32_t salt) {
    char place[12];
    store(place, position);
    store(place + 8, static_cast<std::uint32_t>(body.size()));
    return crc32c(body, crc32c({place, sizeof place}, salt));
}

// Reads fields from the front of a body; after a bad one `ok` stays false and everything reads as 0.
struct Fields {
    std::string_view rest;
    bool ok = true;

    std::uint64_t varint() {
        std::uint64_t value = 0;
        for (unsigned shift = 0; shift < 64; shift += 7) {
            if (rest.empty()) break;
            const auto byte = static_cast<unsigned char>(rest.front());
            rest.remove_prefix(1);
            if (shift == 63 && byte > 1) break;
            value |= std::uint64_t{byte & 0x7fu} << shift;
            if ((byte & 0x80) == 0) return value;
        }
        ok = false;
        rest = {};
        return 0;
    }
    Millis millis() { return static_cast<Millis>(varint()); }
    QueueId queue() {
        const std::uint64_t value = varint();
        if (value > std::numeric_limits<QueueId>::max()) ok = false;
        return static_cast<QueueId>(value);
    }
    // A count of things that take at least `bytes_each`: bounded by what is there, so that nothing is allocated on its word.
    std::size_t count(std::size_t bytes_each) {
        const std::uint64_t value = varint();
        if (value > rest.size() / bytes_each) {
            ok = false;
            return 0;
        }
        return static_cast<std::size_t>(value);
    }
    std::string_view text(std::size_t bytes_max) {
        const std::size_t size = count(1);
        if (!ok || size > bytes_max) {
            ok = false;
            return {};
        }
        const std::string_view value = rest.substr(0, size);
        rest.remove_prefix(size);
        return value;
    }
    bool finished() const { return ok && rest.empty(); }
};

// Expiry as a distance from the enqueued time: zigzag plus one, 0 for never. Unsigned arithmetic wraps, so any two times do.
std::uint64_t pack_expiry(Millis expires, Millis enqueued) {
    if (expires == kNever) return 0;
    const auto distance = static_cast<std::int64_t>(static_cast<std::uint64_t>(expires) - static_cast<std::uint64_t>(enqueued));
    const std::uint64_t zigzag = (static_cast<std::uint64_t>(distance) << 1) ^ static_cast<std::uint64_t>(distance >> 63);
    return zigzag + 1;   // the one distance that wraps to 0 is further away than time itself
}
Millis unpack_expiry(std::uint64_t packed, Millis enqueued) {
    if (packed == 0) return kNever;
    const std::uint64_t zigzag = packed - 1;
    const std::uint64_t distance = (zigzag >> 1) ^ (~(zigzag & 1) + 1);
    return static_cast<Millis>(static_cast<std::uint64_t>(enqueued) + distance);
}

void put_millis(std::string& out, Millis value) { put_varint(out, static_cast<std::uint64_t>(value)); }

bool known(std::uint8_t kind) {
    return kind >= static_cast<std::uint8_t>(Kind::header) && kind <= static_cast<std::uint8_t>(Kind::mark);
}

void read_row_settings(Fields& fields, QueueRow& row) {
    row.id = fields.queue();
    row.name = fields.text(kNameBytesMax);
    row.retention_ms = fields.varint();
    row.retention_bytes = fields.varint();
}

}  // namespace

std::uint32_t header_salt(std::uint64_t segment_number) {
    char number[8];
    store(number, segment_number);
    return crc32c({number, sizeof number});
}

std::size_t claimed_bytes(std::string_view bytes) {
    const std::size_t body = load32(bytes.data());
    if (body == 0 || body > kRecordBytesMax) return 0;
    return body + kFrameBytes;
}

std::optional<Frame> read_frame(std::string_view bytes, std::uint64_t position, std::uint32_t salt) {
    if (bytes.size() < kFrameBytes + 1) return std::nullopt;
    const std::size_t size = claimed_bytes(bytes);
    if (size == 0 || size > bytes.size()) return std::nullopt;
    const auto kind = static_cast<std::uint8_t>(bytes[kFrameBytes]);
    if (!known(kind)) return std::nullopt;
    const std::uint32_t sum = load32(bytes.data() + 4);
    const std::string_view body = bytes.substr(kFrameBytes, size - kFrameBytes);
    if (checksum(body, position, salt) != sum) return std::nullopt;
    return Frame{static_cast<Kind>(kind), body.substr(1), size, sum};
}

std::size_t begin_frame(std::string& out, Kind kind) {
    const std::size_t at = out.size();
    out.append(kFrameBytes, '\0');
    out.push_back(static_cast<char>(kind));
    return at;
}

std::uint32_t end_frame(std::string& out, std::size_t begun_at, std::uint64_t position, std::uint32_t salt) {
    const std::string_view body = std::string_view(out).substr(begun_at + kFrameBytes);
    const std::uint32_t sum = checksum(body, position, salt);
    store(out.data() + begun_at, static_cast<std::uint32_t>(body.size()));
    store(out.data() + begun_at + 4, sum);
    return sum;
}

void put_varint(std::string& out, std::uint64_t value) {
    char bytes[10];
    std::size_t size = 0;
    for (; value >= 0x80; value >>= 7) bytes[size++] = static_cast<char>(value | 0x80);
    bytes[size++] = static_cast<char>(value);
    out.append(bytes, size);
}

void put_text(std::string& out, std::string_view text) {
    put_varint(out, text.size());
    out += text;
}

void put_header(std::string& out, const Header& header) {
    put_varint(out, kFormatVersion);
    put_varint(out, header.number);
    put_millis(out, header.created);
    put_varint(out, header.next_id);
    put_varint(out, header.queues.size());
    for (const QueueRow& row : header.queues) {
        put_queue(out, row);
        put_varint(out, row.next);
        put_varint(out, row.cursor);
        put_millis(out, row.last_enqueued);
    }
}

bool read_header(std::string_view body, Header& header) {
    Fields fields{body};
    if (fields.varint() != kFormatVersion) return false;
    header.number = fields.varint();
    header.created = fields.millis();
    header.next_id = fields.queue();
    const std::size_t queues = fields.count(7);
    header.queues.clear();
    for (std::size_t i = 0; i < queues && fields.ok; ++i) {
        QueueRow row;
        read_row_settings(fields, row);
        row.next = fields.varint();
        row.cursor = fields.varint();
        row.last_enqueued = fields.millis();
        header.queues.push_back(std::move(row));
    }
    return fields.finished();
}

void put_queue(std::string& out, const QueueRow& row) {
    put_varint(out, row.id);
    put_text(out, row.name);
    put_varint(out, row.retention_ms);
    put_varint(out, row.retention_bytes);
}

bool read_queue(std::string_view body, QueueRow& row) {
    Fields fields{body};
    row = {};
    read_row_settings(fields, row);
    return fields.finished();
}

void put_data_start(std::string& out, Millis enqueued, std::size_t targets) {
    put_millis(out, enqueued);
    put_varint(out, targets);
}

void put_data_target(std::string& out, const DataTarget& target, Millis enqueued) {
    put_varint(out, target.queue);
    put_varint(out, target.delta);
    put_varint(out, pack_expiry(target.expires, enqueued));
}

bool read_data(std::string_view body, Data& data) {
    Fields fields{body};
    data.enqueued = fields.millis();
    const std::size_t targets = fields.count(3);
    data.targets.clear();
    if (targets == 0 || targets > kTargetsMax) return false;
    for (std::size_t i = 0; i < targets && fields.ok; ++i) {
        DataTarget target;
        target.queue = fields.queue();
        target.delta = fields.varint();
        target.expires = unpack_expiry(fields.varint(), data.enqueued);
        data.targets.push_back(target);
    }
    data.payload = fields.rest;
    return fields.ok;
}

bool read_cursors(std::string_view body, std::vector<Cursor>& cursors) {
    Fields fields{body};
    cursors.clear();
    const std::size_t count = fields.count(2);
    for (std::size_t i = 0; i < count && fields.ok; ++i) {
        const QueueId queue = fields.queue();
        cursors.push_back({queue, fields.varint()});
    }
    return fields.finished();
}

bool read_drop(std::string_view body, QueueId& queue) {
    Fields fields{body};
    queue = fields.queue();
    return fields.finished();
}

void put_seal(std::string& out, const Seal& seal) {
    put_millis(out, seal.enqueued_max);
    put_varint(out, seal.spans.size());
    for (const QueueSpan& span : seal.spans) {
        put_varint(out, span.queue);
        put_varint(out, span.first);
        put_varint(out, span.end - span.first);
        put_varint(out, span.bytes);
        put_millis(out, span.expires_max);
    }
}

bool read_seal(std::string_view body, Seal& seal) {
    Fields fields{body};
    seal.enqueued_max = fields.millis();
    seal.spans.clear();
    const std::size_t spans = fields.count(5);
    for (std::size_t i = 0; i < spans && fields.ok; ++i) {
        QueueSpan span;
        span.queue = fields.queue();
        span.first = fields.varint();
        span.end = span.first + fields.varint();
        span.bytes = fields.varint();
        span.expires_max = fields.millis();
        const bool ordered = seal.spans.empty() || seal.spans.back().queue < span.queue;
        if (!ordered || span.end <= span.first) return false;
        seal.spans.push_back(span);
    }
    return fields.finished();
}

void put_trailer(std::string& out, std::size_t seal_bytes) {
    char length[4];
    store(length, static_cast<std::uint32_t>(seal_bytes));
    out.append(length, sizeof length);
    out += kTrailerMagic;
}

std::size_t read_trailer(std::string_view trailer) {
    if (trailer.size() != kTrailerBytes || trailer.substr(4) != kTrailerMagic) return 0;
    return load32(trailer.data());
}

}  // namespace selvage::storage::segment
