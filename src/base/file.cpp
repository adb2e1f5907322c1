#include "base/file.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

namespace selvage {
namespace {

// Closes on every way out.
class Descriptor {
public:
    explicit Descriptor(int fd) : fd_(fd) {}
    ~Descriptor() {
        if (fd_ >= 0) ::close(fd_);
    }
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    int get() const { return fd_; }

private:
    int fd_;
};

Result<> sync_folder_of(const std::string& path) {
    const std::filesystem::path parent = std::filesystem::path(path).parent_path();
    const std::string folder = parent.empty() ? "." : parent.string();
    const Descriptor fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (fd.get() < 0 || ::fsync(fd.get()) != 0) return fail(from_errno("sync folder " + folder, errno));
    return {};
}

}  // namespace

Result<std::string> read_file(const std::string& path, std::size_t bytes_max) {
    const Descriptor fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (fd.get() < 0) {
        if (errno == ENOENT) return fail(Errc::not_found, fmt::format("file {} does not exist", path));
        return fail(from_errno("open " + path, errno));
    }
    std::string content;
    char buffer[16384];
    for (;;) {
        const ssize_t got = ::read(fd.get(), buffer, sizeof buffer);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return fail(from_errno("read " + path, errno));
        if (got == 0) return content;
        content.append(buffer, static_cast<std::size_t>(got));
        if (content.size() > bytes_max)
            return fail(Errc::quota_exceeded, fmt::format("file {} is larger than {} bytes", path, bytes_max));
    }
}

Result<> replace_file(const std::string& path, std::string_view content, mode_t mode) {
    const std::string fresh = fmt::format("{}.new.{}", path, ::getpid());
    {
        const Descriptor fd(::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode));
        if (fd.get() < 0) return fail(from_errno("create " + fresh, errno));
        // The mode given to open() is cut by the umask and ignored when the file is already there.
        if (::fchmod(fd.get(), mode) != 0) return fail(from_errno("chmod " + fresh, errno));
        while (!content.empty()) {
            const ssize_t put = ::write(fd.get(), content.data(), content.size());
            if (put < 0 && errno == EINTR) continue;
            if (put < 0) {
                const int error = errno;
                ::unlink(fresh.c_str());
                return fail(from_errno("write " + fresh, error));
            }
            content.remove_prefix(static_cast<std::size_t>(put));
        }
        if (::fsync(fd.get()) != 0) return fail(from_errno("sync " + fresh, errno));
    }
    if (::rename(fresh.c_str(), path.c_str()) != 0) return fail(from_errno("rename to " + path, errno));
    return sync_folder_of(path);
}

Result<> make_folders(const std::string& path, mode_t mode) {
    std::error_code error;
    if (std::filesystem::is_directory(path, error)) return {};
    const std::filesystem::path parent = std::filesystem::path(path).parent_path();
    if (!parent.empty() && parent != path) SELVAGE_CHECK(make_folders(parent.string(), 0755));
    if (::mkdir(path.c_str(), mode) != 0 && errno != EEXIST) return fail(from_errno("make folder " + path, errno));
    return {};
}

bool file_exists(const std::string& path) { return ::access(path.c_str(), F_OK) == 0; }

}  // namespace selvage
