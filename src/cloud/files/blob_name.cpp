#include "cloud/files/blob_name.h"

#include <fmt/core.h>

#include <algorithm>

namespace selvage::cloud::files {

namespace {

// Clients put names into addresses, where such parts would be taken for steps in a path or vanish.
bool is_sound(std::string_view part) { return !part.empty() && part != "." && part != ".."; }

}  // namespace

Result<storage::BlobName> make_blob_name(const std::string& device, const std::string& name) {
    if (name.empty()) return fail(Errc::invalid_argument, "blobName is missing");
    if (device.size() + 1 + name.size() > kBlobNameBytesMax) {
        return fail(Errc::invalid_argument,
                    fmt::format("blobName: with the device id in front at most {} bytes", kBlobNameBytesMax));
    }
    const auto control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; };
    if (std::ranges::any_of(name, control)) return fail(Errc::invalid_argument, "blobName: control characters are not taken");
    for (std::size_t at = 0; at <= name.size();) {
        const auto end = std::min(name.find('/', at), name.size());
        if (!is_sound(std::string_view(name).substr(at, end - at))) {
            return fail(Errc::invalid_argument, "blobName: between slashes there must be something, and not '.' or '..'");
        }
        at = end + 1;
    }
    return storage::BlobName{device, name};
}

Result<storage::BlobName> parse_blob_name(std::string_view blob) {
    const auto slash = blob.find('/');
    if (slash == std::string_view::npos || slash == 0) return fail(Errc::invalid_argument, "a file's name is DEVICE/NAME");
    return make_blob_name(std::string(blob.substr(0, slash)), std::string(blob.substr(slash + 1)));
}

std::string to_text(const storage::BlobName& name) { return name.owner + "/" + name.name; }

}  // namespace selvage::cloud::files
