#include "storage/blobs/disk.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

#include "base/encoding.h"
#include "base/file.h"
#include "storage/blobs/blob_path.h"
#include "storage/blobs/usage.h"

namespace selvage::storage::blobs {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t kCopyBytes = 1 << 20;
constexpr unsigned kRenameNoReplace = 1;  // linux/fs.h: RENAME_NOREPLACE

Error disk_error(const std::string& what, int number) {
    if (number == ENOSPC || number == EDQUOT) return {Errc::quota_exceeded, "the disk of this hub is full"};
    return from_errno(what, number);
}

BlobFacts facts_in(const struct stat& info) {
    const auto since = std::chrono::seconds(info.st_mtim.tv_sec) + std::chrono::nanoseconds(info.st_mtim.tv_nsec);
    const UtcTime modified(std::chrono::duration_cast<std::chrono::milliseconds>(since));
    // A file that takes another's place was there beside it, so they differ in number at least.
    return {.bytes = static_cast<std::uint64_t>(info.st_size),
            .modified = modified,
            .etag = fmt::format("0x{:X}-{:X}", modified.time_since_epoch().count(), info.st_ino)};
}

Result<> sync_folder(const std::string& path) {
    const int fd = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return fail(from_errno("open folder " + path, errno));
    const int synced = ::fsync(fd);
    const int error = errno;
    ::close(fd);
    if (synced != 0) return fail(from_errno("sync folder " + path, error));
    return {};
}

std::string parent_of(const std::string& path) { return path.substr(0, path.rfind('/')); }

}  // namespace

Result<std::shared_ptr<OpenFile>> OpenFile::open(const std::string& path) {
    const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0 && errno == ENOENT) return fail(Errc::not_found, "there is no such file");
    if (fd < 0) return fail(from_errno("open " + path, errno));
    return std::make_shared<OpenFile>(fd);
}

Result<std::shared_ptr<OpenFile>> OpenFile::create(const std::string& path) {
    const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0640);
    if (fd < 0) return fail(disk_error("create " + path, errno));
    return std::make_shared<OpenFile>(fd);
}

OpenFile::~OpenFile() {
    if (fd_ >= 0) ::close(fd_);
}

Result<> OpenFile::write(std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t put = ::write(fd_, bytes.data(), bytes.size());
        if (put < 0 && errno == EINTR) continue;
        if (put < 0) return fail(disk_error("write an uploaded file", errno));
        bytes.remove_prefix(static_cast<std::size_t>(put));
    }
    return {};
}

Result<std::string> OpenFile::read(std::size_t most) {
    std::string bytes(most, '\0');
    for (;;) {
        const ssize_t got = ::read(fd_, bytes.data(), bytes.size());
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return fail(from_errno("read an uploaded file", errno));
        bytes.resize(static_cast<std::size_t>(got));
        return bytes;
    }
}

Result<> OpenFile::append(OpenFile& other) {
    for (;;) {
        const ssize_t moved = ::copy_file_range(other.fd_, nullptr, fd_, nullptr, kCopyBytes, 0);
        if (moved > 0) continue;
        if (moved == 0) return {};
        if (errno == EINTR) continue;
        if (errno == ENOSPC || errno == EDQUOT || errno == EIO) return fail(disk_error("join blocks", errno));
        break;  // a file system that cannot: by hand, from where it stopped
    }
    for (;;) {
        SELVAGE_TRY(const auto part, other.read(kCopyBytes));
        if (part.empty()) return {};
        SELVAGE_CHECK(write(part));
    }
}

Result<> OpenFile::seal(UtcTime now, bool durable) {
    const auto since = now.time_since_epoch();
    const auto seconds = std::chrono::floor<std::chrono::seconds>(since);
    const timespec time{.tv_sec = seconds.count(), .tv_nsec = std::chrono::nanoseconds(since - seconds).count()};
    const timespec times[2] = {time, time};
    if (::futimens(fd_, times) != 0) return fail(from_errno("set the time of an uploaded file", errno));
    if (durable && ::fsync(fd_) != 0) return fail(disk_error("sync an uploaded file", errno));
    return {};
}

Result<BlobFacts> OpenFile::facts() const {
    struct stat info {};
    if (::fstat(fd_, &info) != 0) return fail(from_errno("look at an uploaded file", errno));
    return facts_in(info);
}

Result<BlobFacts> facts_of(const std::string& path) {
    struct stat info {};
    if (::lstat(path.c_str(), &info) != 0) {
        if (errno == ENOENT || errno == ENOTDIR) return fail(Errc::not_found, "there is no such file");
        return fail(from_errno("look at " + path, errno));
    }
    return facts_in(info);
}

std::string Disk::file_path(const BlobName& name) const {
    return folder_ + "/files/" + path_of(name.owner) + "/" + path_of(name.name);
}
std::string Disk::blocks_path(const BlobName& name) const {
    return folder_ + "/blocks/" + path_of(name.owner) + "/" + path_of(name.name);
}
std::string Disk::block_path(const BlobName& name, const std::string& block) const {
    return blocks_path(name) + "/" + to_hex(block);
}
std::string Disk::incoming_path(std::uint64_t number) const {
    return folder_ + "/incoming/" + std::to_string(number);
}

Result<> Disk::prepare() {
    SELVAGE_CHECK(make_folders(folder_, 0700));
    std::error_code error;
    fs::remove_all(folder_ + "/incoming", error);
    if (error) return fail(Errc::io_error, "empty " + folder_ + "/incoming: " + error.message());
    for (const char* name : {"/files", "/blocks", "/incoming"})
        SELVAGE_CHECK(make_folders(folder_ + name, 0700));
    return durable_ ? sync_folder(folder_) : Result<>{};
}

Result<> Disk::make_folders_for(const std::string& path) {
    const std::string folder = parent_of(path);
    if (::mkdir(folder.c_str(), 0700) != 0) {
        if (errno == EEXIST) return {};
        if (errno != ENOENT) return fail(disk_error("make folder " + folder, errno));
        SELVAGE_CHECK(make_folders_for(folder));
        if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) return fail(disk_error("make folder " + folder, errno));
    }
    return durable_ ? sync_folder(parent_of(folder)) : Result<>{};
}

Result<std::uint64_t> Disk::install(const std::string& from, const std::string& to, bool only_new) {
    const std::scoped_lock one_at_a_time(changing_);
    SELVAGE_CHECK(make_folders_for(to));
    std::uint64_t freed = 0;
    if (const auto before = facts_of(to)) freed = price_of(before->bytes);
    const auto flags = only_new ? kRenameNoReplace : 0u;
    if (::syscall(SYS_renameat2, AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), flags) != 0) {
        if (errno == EEXIST) return fail(Errc::already_exists, "there is a file of that name");
        return fail(disk_error("rename to " + to, errno));
    }
    if (durable_) SELVAGE_CHECK(sync_folder(parent_of(to)));
    return freed;
}

Result<std::uint64_t> Disk::remove(const std::string& path) {
    const std::scoped_lock one_at_a_time(changing_);
    SELVAGE_TRY(const auto before, facts_of(path));
    if (::unlink(path.c_str()) != 0) return fail(from_errno("remove " + path, errno));
    if (durable_) SELVAGE_CHECK(sync_folder(parent_of(path)));
    remove_folders_of(path);
    return price_of(before.bytes);
}

void Disk::remove_folders_of(const std::string& path) const {
    // FOLDER/files and FOLDER/blocks stay, and so does all that something else is in.
    const std::size_t most = std::string_view("/blocks").size() + folder_.size();
    for (auto above = parent_of(path); above.size() > most; above = parent_of(above)) {
        if (::rmdir(above.c_str()) != 0) return;
    }
}

Result<> Disk::join(const BlobName& name, const std::vector<std::string>& blocks, std::uint64_t bytes, OpenFile& into) const {
    const auto changed = [] { return fail(Errc::not_found, "the blocks changed while they were joined"); };
    for (const auto& block : blocks) {
        SELVAGE_TRY(const auto part, OpenFile::open(block_path(name, block)));
        // Of the open file, which stays the same when another is renamed to its place.
        SELVAGE_TRY(const auto facts, part->facts());
        if (facts.bytes > bytes) return changed();
        bytes -= facts.bytes;
        SELVAGE_CHECK(into.append(*part));
    }
    if (bytes > 0) return changed();
    return {};
}

std::uint64_t Disk::price_of_blocks(const BlobName& name) const {
    std::uint64_t price = 0;
    std::error_code error;
    for (fs::directory_iterator entry(blocks_path(name), error), end; !error && entry != end; entry.increment(error)) {
        if (const auto facts = facts_of(entry->path().string())) price += price_of(facts->bytes);
    }
    return price;
}

std::uint64_t Disk::remove_blocks(const BlobName& name) {
    const std::scoped_lock one_at_a_time(changing_);
    const auto price = price_of_blocks(name);
    std::error_code error;
    const auto path = blocks_path(name);
    fs::remove_all(path, error);
    remove_folders_of(path);
    return error ? 0 : price;
}

void Disk::walk(const std::string& root, std::size_t count, const Seen& seen) const {
    std::error_code error;
    for (fs::recursive_directory_iterator entry(root, error), end; !error && entry != end; entry.increment(error)) {
        std::error_code ignored;
        if (entry->is_directory(ignored)) continue;
        const auto path = entry->path().string();
        const auto names = names_of(std::string_view(path).substr(root.size() + 1));
        // What an operator put there is not ours.
        if (names && names->size() == count) seen(*names, path);
    }
}

}  // namespace selvage::storage::blobs
