#include "storage/log/segment/disk.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <unistd.h>

#include <cerrno>

namespace selvage::storage::segment {

int Disk::write_at(int fd, std::string_view bytes, std::uint64_t position) {
    while (!bytes.empty()) {
        const ssize_t put = ::pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(position));
        if (put < 0 && errno == EINTR) continue;
        if (put < 0) return errno;
        bytes.remove_prefix(static_cast<std::size_t>(put));
        position += static_cast<std::uint64_t>(put);
    }
    return 0;
}

ssize_t Disk::read_at(int fd, char* to, std::size_t size, std::uint64_t position) {
    std::size_t done = 0;
    while (done < size) {
        const ssize_t got = ::pread(fd, to + done, size - done, static_cast<off_t>(position + done));
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return -errno;
        if (got == 0) break;
        done += static_cast<std::size_t>(got);
    }
    return static_cast<ssize_t>(done);
}

int Disk::sync_data(int fd) { return ::fdatasync(fd) == 0 ? 0 : errno; }
int Disk::sync_all(int fd) { return ::fsync(fd) == 0 ? 0 : errno; }

int Disk::preallocate(int fd, std::uint64_t bytes) {
    // Not posix_fallocate: where the file system cannot reserve, that one writes zeros.
    return ::fallocate(fd, 0, 0, static_cast<off_t>(bytes)) == 0 ? 0 : errno;
}

int Disk::truncate(int fd, std::uint64_t bytes) { return ::ftruncate(fd, static_cast<off_t>(bytes)) == 0 ? 0 : errno; }

File::~File() { ::close(fd_); }

Result<std::shared_ptr<File>> open_file(const std::string& path, int flags) {
    const int fd = ::open(path.c_str(), flags | O_CLOEXEC, 0600);
    if (fd < 0) return fail(disk_error("open " + path, errno));
    return std::make_shared<File>(fd);
}

Result<> sync_folder(Disk& disk, const std::string& folder) {
    SELVAGE_TRY(const auto file, open_file(folder, O_RDONLY | O_DIRECTORY));
    if (const int error = disk.sync_all(file->fd()); error != 0) return fail(disk_error("sync folder " + folder, error));
    return {};
}

Error disk_error(std::string_view what, int error_number) {
    if (error_number == ENOSPC || error_number == EDQUOT)
        return {Errc::quota_exceeded, fmt::format("{}: the disk is full; free some space", what)};
    return from_errno(what, error_number);
}

}  // namespace selvage::storage::segment
