// What the log asks of the operating system, so that a test can be a full or failing disk.
//
// Numbers are errno values; 0 is success. Safe from any thread. Blocks.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

namespace selvage::storage::segment {

class Disk {
public:
    Disk() = default;
    virtual ~Disk() = default;
    Disk(const Disk&) = delete;
    Disk& operator=(const Disk&) = delete;

    // All of `bytes`, or an error; after an error any part may have been written.
    virtual int write_at(int fd, std::string_view bytes, std::uint64_t position);
    // Returns the bytes read (fewer only at the end of the file), or -errno.
    virtual ssize_t read_at(int fd, char* to, std::size_t size, std::uint64_t position);
    virtual int sync_data(int fd);
    virtual int sync_all(int fd);
    // Reserves blocks up to `bytes` and makes the file that long, zeros behind what is there.
    virtual int preallocate(int fd, std::uint64_t bytes);
    virtual int truncate(int fd, std::uint64_t bytes);
};

// A file descriptor that closes itself.
class File {
public:
    explicit File(int fd) : fd_(fd) {}
    ~File();
    File(const File&) = delete;
    File& operator=(const File&) = delete;
    int fd() const { return fd_; }

private:
    int fd_;
};

// Flags as for open(2); new files are readable by their owner only. Errors: as disk_error.
Result<std::shared_ptr<File>> open_file(const std::string& path, int flags);
Result<> sync_folder(Disk& disk, const std::string& folder);

// quota_exceeded when the disk (or the user's share of it) is full, else io_error.
Error disk_error(std::string_view what, int error_number);

}  // namespace selvage::storage::segment
