#include "storage/blobs/blob_path.h"

#include "base/encoding.h"

namespace selvage::storage::blobs {

namespace {

constexpr std::size_t kPartBytes = 200;

}  // namespace

std::string path_of(std::string_view name) {
    const std::string encoded = percent_encode(name);
    std::string path;
    for (std::size_t at = 0; at < encoded.size(); at += kPartBytes) {
        if (at > 0) path += "+/";
        const auto part = std::string_view(encoded).substr(at, kPartBytes);
        // "." and ".." are no names, and what begins with a dot is hidden from an operator's eyes.
        path += part.front() == '.' ? "%2E" : std::string(1, part.front());
        path += part.substr(1);
    }
    return path;
}

std::optional<std::vector<std::string>> names_of(std::string_view path) {
    std::vector<std::string> names;
    std::string encoded;
    while (!path.empty()) {
        const auto end = std::min(path.find('/'), path.size());
        const auto part = path.substr(0, end);
        path.remove_prefix(std::min(end + 1, path.size()));
        if (part.ends_with('+')) {
            encoded += part.substr(0, part.size() - 1);
            continue;
        }
        encoded += part;
        auto name = percent_decode(encoded);
        if (!name || name->empty()) return std::nullopt;
        names.push_back(*std::move(name));
        encoded.clear();
    }
    if (!encoded.empty()) return std::nullopt;
    return names;
}

}  // namespace selvage::storage::blobs
