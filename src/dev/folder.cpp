#include "dev/folder.h"

#include <fmt/core.h>
#include <stdlib.h>

#include <filesystem>
#include <utility>

#include "base/file.h"
#include "base/log.h"

namespace selvage::dev {
namespace {

namespace fs = std::filesystem;

constexpr const char* kBegun = "A system of `selvage-hub dev`, begun.\n";
constexpr const char* kMade = "A system of `selvage-hub dev`.\n";

// Says whose folder it is.
std::string marker(const std::string& path) { return path + "/selvage-dev"; }

}  // namespace

Result<Folder> Folder::open(const std::string& path) {
    Folder folder;
    std::error_code error;
    if (path.empty()) {
        std::string pattern = fs::temp_directory_path(error).string() + "/selvage-dev-XXXXXX";
        if (error || ::mkdtemp(pattern.data()) == nullptr)
            return fail(Errc::io_error, fmt::format("make a folder {}: {}; give --data, or another TMPDIR", pattern,
                                                    std::error_code(errno, std::system_category()).message()));
        folder.path_ = pattern;
        folder.temporary_ = true;
    } else {
        folder.path_ = path;
        const auto kind = fs::status(path, error).type();
        if (kind != fs::file_type::not_found && kind != fs::file_type::directory)
            return fail(Errc::already_exists, fmt::format("--data {}: it is no folder; give a new or empty one", path));
        const auto mark = read_file(marker(path));
        folder.new_ = !mark || *mark != kMade;
        if (!mark && kind == fs::file_type::directory && !fs::is_empty(path, error))
            return fail(error ? Errc::io_error : Errc::already_exists,
                        fmt::format("--data {}: {}", path,
                                    error ? error.message()
                                          : "there is something else in it; give a new or empty folder, or that of an earlier "
                                            "`selvage-hub dev`"));
        SELVAGE_CHECK(make_folders(path, 0700));
    }
    if (folder.new_) SELVAGE_CHECK(replace_file(marker(folder.path_), kBegun, 0644));
    return folder;
}

Result<> Folder::mark_made() const { return replace_file(marker(path_), kMade, 0644); }

Folder::Folder(Folder&& other) noexcept
    : path_(std::move(other.path_)), temporary_(std::exchange(other.temporary_, false)), new_(other.new_) {}

Folder::~Folder() {
    if (!temporary_) return;
    std::error_code error;
    fs::remove_all(path_, error);
    if (error) log::warn("dev.folder", "{} is left behind: {}", path_, error.message());
}

}  // namespace selvage::dev
