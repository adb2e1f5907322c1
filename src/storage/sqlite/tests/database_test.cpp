#include "storage/sqlite/database.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "async/tests/run.h"
#include "storage/sqlite/tests/store_folder.h"

namespace selvage::storage::sqlite {
namespace {

using storage::testing::content_of;
using storage::testing::meddle;
using storage::testing::StoreFolder;
using storage::testing::write_file;

constexpr const char* kFirst[] = {"CREATE TABLE things(name TEXT PRIMARY KEY) STRICT; INSERT INTO things VALUES('old');"};
constexpr const char* kSecond[] = {kFirst[0], "ALTER TABLE things ADD COLUMN size INTEGER NOT NULL DEFAULT 7;"};
constexpr const char* kBroken[] = {kFirst[0], "ALTER TABLE things ADD COLUMN size INTEGER; DROP TABLE nothing;"};
constexpr Schema kVersion1{"things", 0x1234, kFirst};
constexpr Schema kVersion2{"things", 0x1234, kSecond};

unsigned mode_of(const std::string& path) {
    struct stat status{};
    EXPECT_EQ(::stat(path.c_str(), &status), 0) << path;
    return status.st_mode & 0777u;
}

void expect_refused(const std::string& path, const Schema& schema, Errc code, const std::string& words) {
    const std::string before = content_of(path);
    const auto database = Database::open({.path = path}, schema);
    ASSERT_FALSE(database);
    EXPECT_EQ(database.error().code, code) << database.error().detail;
    EXPECT_NE(database.error().detail.find(words), std::string::npos) << database.error().detail;
    EXPECT_NE(database.error().detail.find(path), std::string::npos) << database.error().detail;
    EXPECT_EQ(content_of(path), before) << "a refused file must stay as it was";
}

TEST(Database, FilesAreForTheirOwnerAloneWhateverTheUmask) {
    const StoreFolder folder;
    const std::string path = folder.file("a.db");
    write_file(path, "");
    ::chmod(path.c_str(), 0666);
    const mode_t umask_before = ::umask(0);
    {
        auto database = Database::open({.path = path}, kVersion1);
        ASSERT_TRUE(database) << database.error().detail;
        ASSERT_TRUE((*database)->run("INSERT INTO things VALUES('new')"));
        EXPECT_EQ(mode_of(path), 0600u);
        EXPECT_EQ(mode_of(path + "-wal"), 0600u);
        EXPECT_EQ(mode_of(path + "-shm"), 0600u);
    }
    ::umask(0777);
    EXPECT_TRUE(Database::open({.path = folder.file("b.db")}, kVersion1));
    ::umask(umask_before);
    EXPECT_EQ(mode_of(folder.file("b.db")), 0600u);
}

TEST(Database, MigratesStepByStepAndOnlyOnce) {
    const StoreFolder folder;
    const std::string path = folder.file("a.db");
    ASSERT_TRUE(Database::open({.path = path}, kVersion1));
    for (int i = 0; i < 2; ++i) {
        auto database = Database::open({.path = path}, kVersion2);
        ASSERT_TRUE(database) << database.error().detail;
        EXPECT_EQ((*database)->exists("SELECT 1 FROM things WHERE name='old' AND size=7", {}), true);
    }
    EXPECT_TRUE(Database::open({.path = folder.file("fresh.db")}, kVersion2));
}

TEST(Database, AMigrationThatFailsLeavesTheOldVersion) {
    const StoreFolder folder;
    const std::string path = folder.file("a.db");
    ASSERT_TRUE(Database::open({.path = path}, kVersion1));
    EXPECT_FALSE(Database::open({.path = path}, Schema{"things", 0x1234, kBroken}));
    auto database = Database::open({.path = path}, kVersion2);
    ASSERT_TRUE(database) << database.error().detail;
    EXPECT_EQ((*database)->exists("SELECT 1 FROM things WHERE size=7", {}), true);
}

TEST(Database, RefusesANewerSchema) {
    const StoreFolder folder;
    ASSERT_TRUE(Database::open({.path = folder.file("a.db")}, kVersion2));
    expect_refused(folder.file("a.db"), kVersion1, Errc::corrupt, "has schema 2, this program knows up to 1");
}

TEST(Database, RefusesOtherPrograms) {
    const StoreFolder folder;
    ASSERT_TRUE(Database::open({.path = folder.file("ours.db")}, kVersion1));
    expect_refused(folder.file("ours.db"), Schema{"others", 0x4321, kFirst}, Errc::corrupt, "not a others of ours");
    meddle(folder.file("theirs.db"), "CREATE TABLE contacts(name)");
    expect_refused(folder.file("theirs.db"), kVersion1, Errc::corrupt, "is a database, but not");
}

TEST(Database, RefusesWhatIsNoDatabase) {
    const StoreFolder folder;
    write_file(folder.file("text"), "dear diary, " + std::string(5000, 'x'));
    expect_refused(folder.file("text"), kVersion1, Errc::corrupt, "no database");

    ASSERT_TRUE(Database::open({.path = folder.file("cut")}, kVersion1));
    std::filesystem::resize_file(folder.file("cut"), 4096);
    const auto cut = Database::open({.path = folder.file("cut")}, kVersion1);
    if (cut) {
        EXPECT_EQ((*cut)->exists("SELECT 1 FROM things", {}).error().code, Errc::corrupt);
    } else {
        EXPECT_EQ(cut.error().code, Errc::corrupt) << cut.error().detail;
    }
}

TEST(Database, NamesTheFileThatItCannotOpen) {
    const StoreFolder folder;
    for (const std::string& path : {folder.file("absent/a.db"), folder.file("")}) {
        const auto database = Database::open({.path = path}, kVersion1);
        ASSERT_FALSE(database);
        EXPECT_EQ(database.error().code, Errc::io_error);
        EXPECT_NE(database.error().detail.find(path), std::string::npos) << database.error().detail;
    }
}

TEST(Database, ReportsDamageWithThePath) {
    const StoreFolder folder;
    const std::string path = folder.file("a.db");
    {
        auto database = Database::open({.path = path}, kVersion1);
        ASSERT_TRUE(database);
        ASSERT_TRUE((*database)->run("BEGIN"));
        for (std::int64_t i = 0; i < 2000; ++i) {
            const std::string name = std::string(100, 'n') + std::to_string(i);
            ASSERT_TRUE((*database)->run("INSERT INTO things VALUES(?)", {name}));
        }
        ASSERT_TRUE((*database)->run("COMMIT"));
    }
    std::string content = content_of(path);
    for (std::size_t i = 8192; i < content.size(); ++i) content[i] = static_cast<char>(0xa5);
    write_file(path, content);
    auto database = Database::open({.path = path}, kVersion1);
    ASSERT_TRUE(database) << database.error().detail;
    auto rows = (*database)->query("SELECT count(*) FROM things WHERE name>'m'");
    ASSERT_TRUE(rows);
    const auto counted = rows->next();
    ASSERT_FALSE(counted);
    EXPECT_EQ(counted.error().code, Errc::corrupt);
    EXPECT_NE(counted.error().detail.find(path), std::string::npos) << counted.error().detail;
}

TEST(Database, KeepsItsWriteAheadLogSmall) {
    const StoreFolder folder;
    const std::string path = folder.file("a.db");
    auto database = Database::open({.path = path}, kVersion1);
    ASSERT_TRUE(database);
    for (std::int64_t i = 0; i < 100; ++i) {
        const std::string name = std::string(90'000, 'n') + std::to_string(i);
        ASSERT_TRUE((*database)->run("INSERT INTO things VALUES(?)", {name}));
    }
    EXPECT_LT(std::filesystem::file_size(path + "-wal"), 2u << 20);
}

}  // namespace
}  // namespace selvage::storage::sqlite
