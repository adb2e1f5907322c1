// Names of uploaded files as paths, and back. Private to the room.
//
// A name is percent-encoded, slashes too, so it cannot leave its folder; and cut where a file system's limit (255 bytes) would
// be passed: all parts but the last are folders whose name ends in '+', which encoding never leaves in a name. So the path of
// one name is never the folder of another.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace selvage::storage::blobs {

// "logs/x.txt" is "logs%2Fx.txt"; no slash at either end.
std::string path_of(std::string_view name);

// The names that a path is made of, "owner/name": nothing when it has none of ours.
std::optional<std::vector<std::string>> names_of(std::string_view path);

}  // namespace selvage::storage::blobs
