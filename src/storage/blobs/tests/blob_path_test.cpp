#include "storage/blobs/blob_path.h"

#include <gtest/gtest.h>

namespace selvage::storage::blobs {
namespace {

using Names = std::vector<std::string>;

TEST(BlobPath, NoNameLeavesItsFolder) {
    struct Row {
        const char* name;
        const char* path;
    };
    constexpr Row kRows[] = {{"log.txt", "log.txt"},      {"a/b", "a%2Fb"},     {"..", "%2E."},       {".", "%2E"},
                             {"../../etc", "%2E.%2F..%2Fetc"}, {".hidden", "%2Ehidden"}, {"a+", "a%2B"}, {"größe", "gr%C3%B6%C3%9Fe"}};
    for (const auto& row : kRows) {
        EXPECT_EQ(path_of(row.name), row.path);
        EXPECT_EQ(names_of(path_of(row.name)), Names{row.name}) << row.name;
    }
    const std::string nul("a\0b", 3);
    EXPECT_EQ(path_of(nul), "a%00b");
}

TEST(BlobPath, ALongNameIsCutIntoFolders) {
    for (const std::size_t size : {199u, 200u, 201u, 400u, 401u, 1024u}) {
        for (const char c : {'x', '.', '/'}) {
            const std::string name(size, c);
            const auto path = path_of(name);
            EXPECT_EQ(names_of(path), Names{name}) << size << c;
            std::size_t longest = 0;
            for (std::size_t at = 0; at <= path.size();) {
                const auto end = std::min(path.find('/', at), path.size());
                longest = std::max(longest, end - at);
                at = end + 1;
            }
            EXPECT_LE(longest, 255u);
        }
    }
}

TEST(BlobPath, OwnerAndNameAreToldApartWhateverTheirLength) {
    const std::string owner(300, 'o');
    EXPECT_EQ(names_of(path_of(owner) + "/" + path_of("a/b")), (Names{owner, "a/b"}));
    EXPECT_EQ(names_of("d1/x+"), std::nullopt) << "a folder of a cut name is no name";
    EXPECT_EQ(names_of("d1/%zz"), std::nullopt);
}

}  // namespace
}  // namespace selvage::storage::blobs
