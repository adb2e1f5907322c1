// The segment file that is being written.
//
// Writer thread. Knows how far it is written and how far it is synced; nothing of records.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "storage/log/segment/disk.h"
#include "storage/log/segment/format.h"

namespace selvage::storage::segment {

class ActiveSegment {
public:
    // Makes a segment with its header, durable before the file has its name: a `.log` file always has a whole header.
    // Reserves `bytes` of disk if it can. Errors: quota_exceeded, io_error; then nothing is left behind.
    static Result<std::unique_ptr<ActiveSegment>> create(Disk& disk, const std::string& folder, const Header& header,
                                                         std::uint64_t bytes);
    // The last segment of an earlier run, cut at `size`, which is synced.
    static std::unique_ptr<ActiveSegment> adopt(Disk& disk, std::shared_ptr<File> file, std::string path, std::uint64_t number,
                                                std::uint32_t salt, std::uint64_t header_end, std::uint64_t size,
                                                std::uint64_t bytes, bool sealed);

    std::uint64_t number() const { return number_; }
    std::uint32_t salt() const { return salt_; }
    std::uint64_t header_end() const { return header_end_; }
    std::uint64_t size() const { return size_; }
    std::uint64_t synced_to() const { return synced_; }
    bool synced() const { return synced_ == size_; }
    bool sealed() const { return sealed_; }
    const std::string& path() const { return path_; }
    const std::shared_ptr<File>& file() const { return file_; }

    // At the end. After an error cut() must follow.
    Result<> write(std::string_view bytes);
    Result<> sync();
    // Back to `size`: what is behind it is no more, so that it can never be taken for records.
    Result<> cut(std::uint64_t size);
    // Writes the last record and its trailer, ends the file there and syncs it. No write may follow. After an error the
    // segment is as it was.
    Result<> seal(const Seal& seal);

private:
    ActiveSegment(Disk& disk, std::shared_ptr<File> file, std::string path, std::uint64_t number)
        : disk_(disk), file_(std::move(file)), path_(std::move(path)), number_(number) {}
    void preallocate(std::uint64_t bytes);

    Disk& disk_;
    std::shared_ptr<File> file_;
    std::string path_;
    std::uint64_t number_ = 0;
    std::uint32_t salt_ = 0;
    std::uint64_t header_end_ = 0;
    std::uint64_t size_ = 0;
    std::uint64_t synced_ = 0;
    std::uint64_t reserve_ = 0;
    bool reserved_ = false;
    bool sealed_ = false;
    bool cut_failed_ = false;     // what should be gone is still there: nothing may be written before it is
};

}  // namespace selvage::storage::segment
