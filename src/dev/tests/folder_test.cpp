#include "dev/folder.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "base/file.h"

namespace selvage::dev {
namespace {

class FolderTest : public ::testing::Test {
protected:
    void SetUp() override {
        std::string pattern = (std::filesystem::temp_directory_path() / "selvage-folder-XXXXXX").string();
        ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
        root_ = pattern;
    }
    void TearDown() override { std::filesystem::remove_all(root_); }
    std::string root_;
};

TEST_F(FolderTest, ThatIsTemporaryGoesAtTheEnd) {
    std::string path;
    {
        const auto folder = Folder::open("");
        ASSERT_TRUE(folder);
        path = folder->path();
        ASSERT_TRUE(make_folders(path + "/hub/deep"));
        EXPECT_TRUE(folder->is_new());
    }
    EXPECT_FALSE(std::filesystem::exists(path));
}

TEST_F(FolderTest, ThatIsNamedStaysAndIsKnownAgain) {
    const auto path = root_ + "/mine";
    {
        const auto folder = Folder::open(path);
        ASSERT_TRUE(folder);
        EXPECT_TRUE(folder->is_new());
    }
    {
        const auto again = Folder::open(path);
        ASSERT_TRUE(again);
        EXPECT_TRUE(again->is_new()) << "nothing has been made in it";
        ASSERT_TRUE(again->mark_made());
    }
    const auto again = Folder::open(path);
    ASSERT_TRUE(again);
    EXPECT_FALSE(again->is_new());
}

TEST_F(FolderTest, OfSomebodyElseIsRefusedAndLeftAlone) {
    ASSERT_TRUE(replace_file(root_ + "/precious", "x"));
    const auto folder = Folder::open(root_);
    ASSERT_FALSE(folder);
    EXPECT_EQ(folder.error().code, Errc::already_exists);
    EXPECT_NE(folder.error().detail.find(root_), std::string::npos);
    EXPECT_FALSE(Folder::open(root_ + "/precious"));
    EXPECT_EQ(read_file(root_ + "/precious").value_or(""), "x");
}

}  // namespace
}  // namespace selvage::dev
