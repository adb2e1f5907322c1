// Reserving blocks in advance keeps the file's length constant, so that a sync needs not write its length too (measured:
// about half the time of a sync on ext4). The price is a tail of zeros, which recovery knows to be no records.
#include "storage/log/segment/active_segment.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>

namespace selvage::storage::segment {

Result<std::unique_ptr<ActiveSegment>> ActiveSegment::create(Disk& disk, const std::string& folder, const Header& header,
                                                             std::uint64_t bytes) {
    const std::string path = fmt::format("{}/{:016x}.log", folder, header.number);
    const std::string fresh = fmt::format("{}/{:016x}.new", folder, header.number);
    SELVAGE_TRY(auto file, open_file(fresh, O_RDWR | O_CREAT | O_TRUNC));
    std::unique_ptr<ActiveSegment> made(new ActiveSegment(disk, std::move(file), path, header.number));

    std::string start(kMagic);
    const std::size_t frame = begin_frame(start, Kind::header);
    put_header(start, header);
    made->salt_ = end_frame(start, frame, frame, header_salt(header.number));
    made->reserve_ = bytes;
    made->preallocate(bytes);
    auto done = made->write(start);
    if (const int error = done ? disk.sync_all(made->file_->fd()) : 0; error != 0)
        done = fail(disk_error("sync " + fresh, error));
    if (done && ::rename(fresh.c_str(), path.c_str()) != 0) done = fail(disk_error("rename to " + path, errno));
    if (!done) {
        ::unlink(fresh.c_str());
        return fail(std::move(done).error());
    }
    // The name must be durable before a record in the file is acknowledged.
    if (auto named = sync_folder(disk, folder); !named) {
        ::unlink(path.c_str());
        return fail(std::move(named).error());
    }
    made->header_end_ = made->synced_ = made->size_;
    return made;
}

std::unique_ptr<ActiveSegment> ActiveSegment::adopt(Disk& disk, std::shared_ptr<File> file, std::string path,
                                                    std::uint64_t number, std::uint32_t salt, std::uint64_t header_end,
                                                    std::uint64_t size, std::uint64_t bytes, bool sealed) {
    std::unique_ptr<ActiveSegment> made(new ActiveSegment(disk, std::move(file), std::move(path), number));
    made->salt_ = salt;
    made->header_end_ = header_end;
    made->size_ = made->synced_ = size;
    made->reserve_ = bytes;
    made->sealed_ = sealed;
    if (!sealed) made->preallocate(bytes);
    return made;
}

void ActiveSegment::preallocate(std::uint64_t bytes) {
    // A disk that is nearly full, or a file system that cannot: the file grows as it is written.
    reserved_ = bytes > size_ && disk_.preallocate(file_->fd(), bytes) == 0;
}

Result<> ActiveSegment::write(std::string_view bytes) {
    if (cut_failed_) SELVAGE_CHECK(cut(size_));
    if (const int error = disk_.write_at(file_->fd(), bytes, size_); error != 0)
        return fail(disk_error("write " + path_, error));
    size_ += bytes.size();
    return {};
}

Result<> ActiveSegment::sync() {
    if (const int error = disk_.sync_data(file_->fd()); error != 0) return fail(disk_error("sync " + path_, error));
    synced_ = size_;
    if (!reserved_) preallocate(reserve_);
    return {};
}

Result<> ActiveSegment::cut(std::uint64_t size) {
    size_ = size;
    synced_ = std::min(synced_, size);
    reserved_ = false;
    const int error = disk_.truncate(file_->fd(), size);
    cut_failed_ = error != 0;
    if (cut_failed_) return fail(disk_error("truncate " + path_, error));
    return {};
}

Result<> ActiveSegment::seal(const Seal& seal) {
    const std::uint64_t before = size_;
    std::string end;
    const std::size_t frame = begin_frame(end, Kind::seal);
    put_seal(end, seal);
    end_frame(end, frame, size_, salt_);
    put_trailer(end, end.size());
    auto done = write(end);
    if (done) done = cut(size_);
    // Not only the data: the new length of the file too.
    if (const int error = done ? disk_.sync_all(file_->fd()) : 0; error != 0) done = fail(disk_error("sync " + path_, error));
    if (!done) {
        // Should this fail too, the segment stays unsealed and the next attempt cuts again.
        ignore(cut(before), "the first error is the one to report");
        return done;
    }
    synced_ = size_;
    sealed_ = true;
    return {};
}

}  // namespace selvage::storage::segment
