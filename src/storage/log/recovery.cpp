// Crash states and what is done about each:
//
// - A `.new` file: a segment that never got its name. Removed.
// - The last segment ends in zeros: reserved blocks. Nothing lost.
// - The last segment has something else behind its last whole record, and no mark behind that: a write that was under way.
//   Its pages may have reached the disk in any order, so whole records may stand behind the first bad one; none of them had
//   been acknowledged, since a mark is the first thing written after a sync. Cut at the first bad record.
// - The same, and a mark behind it: those bytes had been synced. That is damage: corrupt, and nothing is touched.
// - A last segment with a seal: the crash came before the next segment had its name. The writer goes on with a new one.
// - A segment before the last without a valid header or seal: damage, since both are synced before the next is made.
#include "storage/log/recovery.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/core.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>

#include "base/file.h"
#include "base/log.h"

namespace selvage::storage {
namespace {

using segment::Disk;
using segment::Extent;
using segment::Frame;
using segment::Kind;
using segment::Window;

std::unexpected<Error> damaged(std::uint64_t number, std::uint64_t position, std::string_view what) {
    return fail(Errc::corrupt, fmt::format("segment {:016x}: position {}: {}", number, position, what));
}
std::unexpected<Error> unreadable(std::uint64_t number, int error) {
    return fail(segment::disk_error(fmt::format("read segment {:016x}", number), error));
}

// Applies the records of one segment to its queue table.
class Replay {
public:
    explicit Replay(const segment::ReadHeader& header) {
        for (const auto& row : header.header.queues) {
            bases_[row.id] = row.next;
            out.queues[row.id] = row;
        }
        out.next_id = header.header.next_id;
        out.marked_to = header.bytes;
    }

    // False: the record contradicts what came before it.
    bool apply(const Frame& frame, std::uint64_t position) {
        switch (frame.kind) {
            case Kind::data: return data(frame, position);
            case Kind::queue: return queue(frame);
            case Kind::cursors: return cursors(frame);
            case Kind::drop: return drop(frame);
            case Kind::mark: return frame.body.empty();
            case Kind::seal:
            case Kind::header: return false;
        }
        return false;
    }

    Replayed out;

private:
    bool data(const Frame& frame, std::uint64_t position) {
        if (!segment::read_data(frame.body, data_)) return false;
        const bool mark = position >= out.marked_to + kMarkEvery;
        if (mark) out.marked_to = position;
        for (const segment::DataTarget& target : data_.targets) {
            const auto row = out.queues.find(target.queue);
            if (row == out.queues.end()) return false;
            const Offset offset = bases_[target.queue] + target.delta;
            if (offset != row->second.next) return false;
            ++row->second.next;
            row->second.last_enqueued = data_.enqueued;
            if (mark) out.marks.push_back({target.queue, offset, position});
            auto& span = spans_[target.queue];
            if (span.end == 0) span = {target.queue, offset, offset, 0, 0};
            span.end = offset + 1;
            span.bytes += frame.bytes;
            span.expires_max = std::max(span.expires_max, target.expires);
        }
        out.enqueued_max = std::max(out.enqueued_max, data_.enqueued);
        return true;
    }
    bool queue(const Frame& frame) {
        segment::QueueRow declared;
        if (!segment::read_queue(frame.body, declared)) return false;
        auto& row = out.queues[declared.id];
        row.id = declared.id;
        row.name = std::move(declared.name);
        row.retention_ms = declared.retention_ms;
        row.retention_bytes = declared.retention_bytes;
        out.next_id = std::max(out.next_id, declared.id + 1);
        return true;
    }
    bool cursors(const Frame& frame) {
        if (!segment::read_cursors(frame.body, cursors_)) return false;
        for (const auto& [queue, cursor] : cursors_)
            if (const auto row = out.queues.find(queue); row != out.queues.end())
                row->second.cursor = std::max(row->second.cursor, std::min(cursor, row->second.next));
        return true;
    }
    bool drop(const Frame& frame) {
        QueueId queue = 0;
        if (!segment::read_drop(frame.body, queue)) return false;
        out.queues.erase(queue);
        spans_.erase(queue);
        return true;
    }

public:
    void finish() {
        for (const auto& [queue, span] : spans_) out.spans.push_back(span);
    }

private:
    std::map<QueueId, Offset> bases_;
    std::map<QueueId, segment::QueueSpan> spans_;
    segment::Data data_;
    std::vector<segment::Cursor> cursors_;
};

// Looks for what stands behind a bad record at `from`: the last byte that is not zero, and a mark.
struct Tail {
    std::uint64_t used_end = 0;     // `from` when all is zero
    bool mark = false;
};
Result<Tail> look_behind(Disk& disk, const Extent& extent, std::uint64_t from) {
    using namespace std::string_view_literals;
    constexpr auto kMarkLength = "\x01\0\0\0"sv;
    Tail tail{from, false};
    std::string bytes(segment::kWindowBytes, '\0');
    for (std::uint64_t at = from; at < extent.end;) {
        const auto want = static_cast<std::size_t>(std::min<std::uint64_t>(bytes.size(), extent.end - at));
        const ssize_t got = disk.read_at(extent.fd, bytes.data(), want, at);
        if (got < 0) return unreadable(extent.number, static_cast<int>(-got));
        const std::string_view chunk(bytes.data(), static_cast<std::size_t>(got));
        if (const auto last = chunk.find_last_not_of('\0'); last != std::string_view::npos) tail.used_end = at + last + 1;
        for (auto hit = chunk.find(kMarkLength); hit != std::string_view::npos; hit = chunk.find(kMarkLength, hit + 1)) {
            const auto frame = segment::read_frame(chunk.substr(hit), at + hit, extent.salt);
            if (frame && frame->kind == Kind::mark) tail.mark = true;
        }
        if (chunk.size() < segment::kMarkBytes || at + chunk.size() >= extent.end) break;
        at += chunk.size() - (segment::kMarkBytes - 1);   // a mark may lie across two chunks
    }
    return tail;
}

struct Found {
    std::vector<std::uint64_t> numbers;   // ascending
};
Result<Found> list_segments(const std::string& folder) {
    DIR* const dir = ::opendir(folder.c_str());
    if (dir == nullptr) return fail(segment::disk_error("open folder " + folder, errno));
    Found found;
    while (const dirent* entry = ::readdir(dir)) {
        const std::string_view name = entry->d_name;
        if (name.size() != 20) continue;
        std::uint64_t number = 0;
        const auto parsed = std::from_chars(name.data(), name.data() + 16, number, 16);
        if (parsed.ptr != name.data() + 16 || number == 0) continue;
        if (name.ends_with(".log")) found.numbers.push_back(number);
        if (name.ends_with(".new")) ::unlink((folder + "/" + entry->d_name).c_str());
    }
    ::closedir(dir);
    std::sort(found.numbers.begin(), found.numbers.end());
    return found;
}

struct OpenedSegment {
    std::shared_ptr<Segment> segment;
    std::shared_ptr<segment::File> file;
    segment::ReadHeader header;
    Extent extent;
};
Result<OpenedSegment> open_segment(Disk& disk, const std::string& folder, std::uint64_t number, int flags) {
    OpenedSegment opened;
    opened.segment = std::make_shared<Segment>();
    Segment& made = *opened.segment;
    made.number = number;
    made.path = segment_path(folder, number);
    SELVAGE_TRY(opened.file, segment::open_file(made.path, flags));
    struct stat status {};
    if (::fstat(opened.file->fd(), &status) != 0) return unreadable(number, errno);
    made.file_bytes = static_cast<std::uint64_t>(status.st_size);
    SELVAGE_TRY(opened.header, segment::read_segment_header(disk, opened.file->fd(), number, made.file_bytes));
    made.salt = opened.header.salt;
    made.data_begin = made.marked_to = opened.header.bytes;
    opened.extent = {opened.file->fd(), number, made.salt, made.file_bytes};
    return opened;
}

Result<std::shared_ptr<Segment>> open_sealed(Disk& disk, const std::string& folder, std::uint64_t number) {
    SELVAGE_TRY(auto opened, open_segment(disk, folder, number, O_RDONLY));
    SELVAGE_TRY(auto seal, segment::read_segment_seal(disk, opened.extent));
    if (!seal) return damaged(number, opened.extent.end, "the seal at the end of the segment is damaged or missing");
    opened.segment->data_end = seal->begins;
    opened.segment->enqueued_max = seal->seal.enqueued_max;
    opened.segment->spans = std::move(seal->seal.spans);
    return std::move(opened.segment);
}

Result<> open_last(Disk& disk, const std::string& folder, std::uint64_t number, std::uint64_t segment_bytes, Recovered& out) {
    SELVAGE_TRY(auto opened, open_segment(disk, folder, number, O_RDWR));
    SELVAGE_TRY(auto replayed, replay(disk, opened.extent, opened.header));
    Segment& last = *opened.segment;
    const std::uint64_t size = replayed.sealed ? last.file_bytes : replayed.end;
    if (replayed.torn > 0)
        log::warn("storage.log", "cut an unfinished write after a crash segment={:016x} position={} bytes={}", number,
                  replayed.end, replayed.torn);
    if (size < last.file_bytes)
        if (const int error = disk.truncate(opened.file->fd(), size); error != 0) return unreadable(number, error);
    // Records that were written and not synced before the crash are acknowledged facts from here on.
    if (const int error = disk.sync_all(opened.file->fd()); error != 0)
        return fail(segment::disk_error("sync " + last.path, error));

    last.data_end = replayed.end;
    last.file_bytes = size;
    last.enqueued_max = replayed.enqueued_max;
    last.spans = std::move(replayed.spans);
    last.marks = std::move(replayed.marks);
    last.marked_to = replayed.marked_to;
    last.file = opened.file;
    out.queues = std::move(replayed.queues);
    out.next_id = replayed.next_id;
    out.active = segment::ActiveSegment::adopt(disk, opened.file, last.path, number, last.salt, last.data_begin, size,
                                               segment_bytes, replayed.sealed);
    out.segments.push_back(std::move(opened.segment));
    return {};
}

}  // namespace

Result<Replayed> replay(Disk& disk, const Extent& extent, const segment::ReadHeader& header) {
    Replay replay(header);
    Window window(disk);
    std::uint64_t position = header.bytes;
    for (;;) {
        Frame frame;
        const Window::Found found = window.at(extent, position, segment::kWindowBytes, frame);
        replay.out.end = position;
        if (found == Window::Found::failed) return unreadable(extent.number, window.error());
        if (found == Window::Found::end) break;
        if (found == Window::Found::invalid) {
            SELVAGE_TRY(const Tail tail, look_behind(disk, extent, position));
            if (tail.mark) return damaged(extent.number, position, "a record is damaged, and synced records follow it");
            replay.out.torn = tail.used_end - position;
            break;
        }
        if (frame.kind == Kind::seal) {
            SELVAGE_TRY(const auto seal, segment::read_segment_seal(disk, extent));
            replay.out.sealed = seal && seal->begins == position;
            break;
        }
        if (!replay.apply(frame, position)) return damaged(extent.number, position, "a record contradicts those before it");
        position += frame.bytes;
    }
    replay.finish();
    return std::move(replay.out);
}

Result<Recovered> recover(Disk& disk, const std::string& folder, std::uint64_t segment_bytes) {
    SELVAGE_CHECK(make_folders(folder, 0700));
    Recovered out;
    SELVAGE_TRY(out.lock, segment::open_file(folder + "/lock", O_RDWR | O_CREAT));
    if (::flock(out.lock->fd(), LOCK_EX | LOCK_NB) != 0)
        return fail(Errc::already_exists, fmt::format("the message log in {} is open in another process", folder));
    SELVAGE_TRY(const Found found, list_segments(folder));
    for (std::size_t i = 0; i < found.numbers.size(); ++i) {
        const std::uint64_t number = found.numbers[i];
        out.last_number = number;
        if (i + 1 == found.numbers.size()) {
            const auto opened = open_last(disk, folder, number, segment_bytes, out);
            if (!opened) return fail(opened.error().in(folder));
        } else {
            auto sealed = open_sealed(disk, folder, number);
            if (!sealed) return fail(sealed.error().in(folder));
            out.segments.push_back(*std::move(sealed));
        }
    }
    return out;
}

}  // namespace selvage::storage
