#include "storage/blobs/blob_store.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "async/tests/run.h"
#include "async/time_source.h"
#include "base/time_text.h"
#include "storage/blobs/disk.h"

namespace selvage::storage {
namespace {

namespace fs = std::filesystem;

class Blobs : public ::testing::Test {
protected:
    std::string folder = (fs::temp_directory_path() / "selvage-blobs-XXXXXX").string();
    boost::asio::io_context loop;
    async::VirtualTime time{loop.get_executor(), from_iso8601("2026-03-01T00:00:00Z").value()};
    BlobSettings settings;
    std::unique_ptr<BlobStore> store;

    void SetUp() override {
        ASSERT_NE(mkdtemp(folder.data()), nullptr);
        settings.folder = folder + "/files";
        open();
    }
    void TearDown() override {
        store.reset();
        fs::remove_all(folder);
    }
    void open() {
        store.reset();
        auto opened = BlobStore::open(time, settings);
        ASSERT_TRUE(opened) << opened.error().detail;
        store = *std::move(opened);
    }
    template <class T>
    T get(Awaitable<T> call) {
        std::optional<T> result;
        const auto keep = [](Awaitable<T> running, std::optional<T>& out) -> Awaitable<> { out = co_await std::move(running); };
        async::testing::run(loop, keep(std::move(call), result));
        return *std::move(result);
    }
    Result<BlobFacts> fill(Result<std::unique_ptr<BlobWriter>> writer, const std::string& bytes) {
        if (!writer) return fail(writer.error());
        SELVAGE_CHECK(get((*writer)->write(bytes)));
        return get((*writer)->finish());
    }
    Result<BlobFacts> put(BlobName name, const std::string& bytes, bool only_new = false) {
        return fill(get(store->put(std::move(name), bytes.size(), only_new)), bytes);
    }
    Result<BlobFacts> block(BlobName name, std::string id, const std::string& bytes) {
        return fill(get(store->put_block(std::move(name), std::move(id), bytes.size())), bytes);
    }
    std::string content(BlobName name) {
        auto reader = get(store->read(std::move(name)));
        if (!reader) return "error: " + std::string(selvage::name(reader.error().code));
        std::string all;
        for (;;) {
            const auto part = get((*reader)->read());
            EXPECT_TRUE(part);
            if (!part || part->empty()) return all;
            all += *part;
        }
    }
    // What a dropped writer leaves is taken away behind its back.
    std::size_t half_written_in_the_end() {
        for (int i = 0; i < 1000 && half_written() > 0; ++i)
            ignore(get(store->facts({"d1", "x"})), "gives the store's threads time");
        return half_written();
    }
    std::size_t half_written() {
        return static_cast<std::size_t>(std::distance(fs::directory_iterator(settings.folder + "/incoming"), {}));
    }
    template <class T>
    static std::string code(const Result<T>& result) {
        return result ? "done" : std::string(name(result.error().code));
    }
};

TEST_F(Blobs, AFileIsThereOnceItsWriterHasFinished) {
    const BlobName name{"d1", "logs/../x.txt"};
    auto writer = get(store->put(name, 5, false));
    ASSERT_TRUE(writer);
    EXPECT_TRUE(get((*writer)->write("he")));
    EXPECT_EQ(content(name), "error: not_found");
    EXPECT_TRUE(get((*writer)->write("llo")));
    const auto facts = get((*writer)->finish());
    ASSERT_TRUE(facts);
    EXPECT_EQ(facts->bytes, 5u);
    EXPECT_EQ(facts->modified, time.utc_now());
    EXPECT_EQ(content(name), "hello");
    EXPECT_EQ(get(store->facts(name))->etag, facts->etag);
    open();
    EXPECT_EQ(content(name), "hello");
}

TEST_F(Blobs, LargeAndEmptyFilesComeBackWhole) {
    std::string large;
    for (int i = 0; large.size() < 3'000'000; ++i)
        large += std::to_string(i);
    ASSERT_TRUE(put({"d1", "large"}, large));
    ASSERT_TRUE(put({"d1", "empty"}, ""));
    EXPECT_EQ(content({"d1", "large"}), large);
    EXPECT_EQ(content({"d1", "empty"}), "");
}

TEST_F(Blobs, AFileTakesTheOldOnesPlaceUnlessOnlyANewOneIsWanted) {
    const auto first = put({"d1", "x"}, "one");
    const auto second = put({"d1", "x"}, "two");
    ASSERT_TRUE(second);
    EXPECT_NE(first->etag, second->etag) << "within one millisecond";
    EXPECT_EQ(content({"d1", "x"}), "two");
    EXPECT_EQ(code(put({"d1", "x"}, "three", true)), "already_exists");
    EXPECT_EQ(content({"d1", "x"}), "two");
    EXPECT_EQ(code(put({"d2", "x"}, "other's", true)), "done");
    EXPECT_EQ(half_written_in_the_end(), 0u);
}

TEST_F(Blobs, WhatIsNotFinishedLeavesNothing) {
    const auto before = store->bytes_used();
    {
        auto writer = get(store->put({"d1", "x"}, 600'000, false));
        EXPECT_TRUE(get((*writer)->write(std::string(500'000, 'x'))));
        EXPECT_GT(store->bytes_used(), before);
        EXPECT_EQ(code(get((*writer)->finish())), "malformed");
        EXPECT_EQ(code(get((*writer)->write(std::string(100'001, 'x')))), "malformed");
        EXPECT_EQ(half_written(), 1u);
    }
    EXPECT_EQ(store->bytes_used(), before);
    EXPECT_EQ(half_written_in_the_end(), 0u);
    EXPECT_EQ(content({"d1", "x"}), "error: not_found");
    // The same after a crash.
    std::ofstream(settings.folder + "/incoming/7") << "half";
    open();
    EXPECT_EQ(half_written(), 0u);
}

TEST_F(Blobs, BlocksAreJoinedInTheOrderOfTheCommit) {
    const BlobName name{"d1", "x"};
    ASSERT_TRUE(block(name, std::string("\0b", 2), "world"));
    ASSERT_TRUE(block(name, "a", "HELLO "));
    ASSERT_TRUE(block(name, "a", "hello "));
    ASSERT_TRUE(block(name, "unused", "?"));
    open();
    EXPECT_EQ(code(get(store->commit(name, {"a", "c"}, false))), "not_found");
    const auto facts = get(store->commit(name, {"a", std::string("\0b", 2), "a"}, false));
    ASSERT_TRUE(facts) << facts.error().detail;
    EXPECT_EQ(facts->bytes, 17u);
    EXPECT_EQ(content(name), "hello worldhello ");
    EXPECT_EQ(code(get(store->commit(name, {"a"}, false))), "not_found") << "the blocks are gone with the commit";
    EXPECT_EQ(code(get(store->commit(name, {}, true))), "already_exists");
    ASSERT_TRUE(get(store->commit(name, {}, false)));
    EXPECT_EQ(content(name), "");
    EXPECT_EQ(code(block(name, "", "x")), "invalid_argument");
    EXPECT_EQ(code(block(name, std::string(65, 'x'), "x")), "invalid_argument");
    EXPECT_EQ(code(block({"d1", std::string(1024, '/')}, std::string(64, 'x'), "x")), "done");
}

TEST_F(Blobs, EveryBoundIsARefusal) {
    settings.file_bytes_max = 100'000;
    settings.owner_bytes_max = 300'000;
    settings.total_bytes_max = 500'000;
    settings.writers_max = 2;
    open();
    EXPECT_EQ(code(put({"d1", "x"}, std::string(100'001, 'x'))), "message_too_large");
    EXPECT_EQ(code(put({"d1", "1"}, std::string(100'000, 'x'))), "done");
    EXPECT_EQ(code(block({"d1", "2"}, "b", std::string(100'000, 'x'))), "done");
    EXPECT_EQ(code(put({"d1", "3"}, std::string(100'000, 'x'))), "quota_exceeded") << "blocks count for their owner";
    EXPECT_EQ(code(put({"d2", "1"}, std::string(100'000, 'x'))), "done");
    EXPECT_EQ(code(put({"d3", "1"}, std::string(100'000, 'x'))), "done");
    EXPECT_EQ(code(put({"d4", "1"}, std::string(100'000, 'x'))), "quota_exceeded") << "all there is";
    open();
    EXPECT_EQ(code(put({"d4", "1"}, std::string(100'000, 'x'))), "quota_exceeded") << "after a restart too";
    // Replacing needs room for both, until the old one is gone.
    EXPECT_EQ(code(put({"d2", "1"}, "small")), "done");
    EXPECT_EQ(code(put({"d4", "1"}, std::string(80'000, 'x'))), "done");
    EXPECT_TRUE(get(store->remove({"d3", "1"})));
    EXPECT_EQ(code(put({"d4", "2"}, std::string(80'000, 'x'))), "done");
    // Two blocks that each are small enough make no file that is not.
    EXPECT_TRUE(get(store->remove({"d1", "1"})));
    EXPECT_EQ(code(block({"d1", "2"}, "c", "x")), "done");
    EXPECT_EQ(code(get(store->commit({"d1", "2"}, {"b", "c"}, false))), "message_too_large");
    auto one = get(store->put({"d1", "a"}, 1, false));
    auto two = get(store->put({"d1", "b"}, 1, false));
    ASSERT_TRUE(one && two);
    EXPECT_EQ(code(put({"d1", "c"}, "x")), "throttled");
}

TEST_F(Blobs, OneOwnerLeavesWritersForTheOthers) {
    settings.owner_writers_max = 2;
    open();
    auto one = get(store->put({"d1", "a"}, 1, false));
    auto two = get(store->put_block({"d1", "b"}, "b", 1));
    ASSERT_TRUE(one && two);
    EXPECT_EQ(code(put({"d1", "c"}, "x")), "throttled");
    EXPECT_EQ(code(put({"d2", "c"}, "x")), "done");
    one->reset();
    EXPECT_EQ(code(put({"d1", "c"}, "x")), "done");
}

// Whoever replaces blocks while they are joined gets no file that is larger than the room taken for it.
TEST_F(Blobs, BlocksThatGrewSinceTheyWereCountedAreNotJoined) {
    const BlobName name{"d1", "x"};
    ASSERT_TRUE(block(name, "b", std::string(10, 'x')));
    const blobs::Disk disk(settings.folder, false);
    const auto path = folder + "/joined";
    const auto join = [&](std::uint64_t counted) {
        fs::remove(path);
        auto file = blobs::OpenFile::create(path);
        return code(disk.join(name, {"b", "b"}, counted, **file)) + " " + std::to_string(fs::file_size(path));
    };
    EXPECT_EQ(join(20), "done 20");
    EXPECT_EQ(join(19), "not_found 10");
    EXPECT_EQ(join(2), "not_found 0");
    EXPECT_EQ(join(21), "not_found 20") << "they may have shrunk too";
}

TEST_F(Blobs, ALongNameLeavesNoFoldersBehind) {
    const BlobName name{"d1", std::string(1000, 'x')};
    const auto left = [&] {
        return std::distance(fs::recursive_directory_iterator(settings.folder), {});
    };
    const auto before = left();
    ASSERT_TRUE(block(name, "b", "x"));
    ASSERT_TRUE(get(store->commit(name, {"b"}, false)));
    ASSERT_TRUE(get(store->remove(name)));
    ASSERT_TRUE(block(name, "b", "x"));
    time.advance(std::chrono::hours(25));
    ASSERT_TRUE(get(store->drop_old_blocks()));
    EXPECT_EQ(left(), before) << "files, blocks and incoming are all that stays";
    EXPECT_EQ(code(put(name, "again")), "done");
}

TEST_F(Blobs, UsageEndsAtNothingWhenAllIsRemoved) {
    ASSERT_TRUE(put({"d1", "x"}, std::string(10'000, 'x')));
    ASSERT_TRUE(put({"d1", "x"}, std::string(20'000, 'x')));
    ASSERT_TRUE(block({"d1", "x"}, "b", std::string(30'000, 'x')));
    ASSERT_TRUE(get(store->commit({"d1", "x"}, {"b", "b"}, false)));
    EXPECT_EQ(content({"d1", "x"}).size(), 60'000u);
    EXPECT_TRUE(get(store->remove({"d1", "x"})));
    EXPECT_EQ(store->bytes_used(), 0u);
    EXPECT_EQ(code(get(store->remove({"d1", "x"}))), "not_found");
}

TEST_F(Blobs, AListIsInOrderAndGoesOnWhereItEnded) {
    for (const char* name : {"b", "a/1", "c"})
        ASSERT_TRUE(put({"d2", name}, name));
    ASSERT_TRUE(put({"d1", "z"}, ""));
    const auto names = [&](std::string owner, BlobName after, std::size_t most) {
        std::string text;
        for (const auto& blob : *get(store->list(std::move(owner), std::move(after), most)))
            text += blob.name.owner + ":" + blob.name.name + ":" + std::to_string(blob.facts.bytes) + " ";
        return text;
    };
    EXPECT_EQ(names("", {}, 10), "d1:z:0 d2:a/1:3 d2:b:1 d2:c:1 ");
    EXPECT_EQ(names("", {}, 2), "d1:z:0 d2:a/1:3 ");
    EXPECT_EQ(names("", {"d2", "a/1"}, 10), "d2:b:1 d2:c:1 ");
    EXPECT_EQ(names("d1", {}, 10), "d1:z:0 ");
    EXPECT_EQ(names("d3", {}, 10), "");
}

TEST_F(Blobs, BlocksThatNobodyCommitsGo) {
    ASSERT_TRUE(block({"d1", "x"}, "old", "1"));
    time.advance(std::chrono::hours(23));
    ASSERT_TRUE(block({"d1", "x"}, "new", "2"));
    time.advance(std::chrono::hours(2));
    ASSERT_TRUE(get(store->drop_old_blocks()));
    EXPECT_EQ(code(get(store->commit({"d1", "x"}, {"old"}, false))), "not_found");
    EXPECT_EQ(code(get(store->commit({"d1", "x"}, {"new"}, false))), "done");
    EXPECT_TRUE(get(store->remove({"d1", "x"})));
    EXPECT_EQ(store->bytes_used(), 0u);
}

}  // namespace
}  // namespace selvage::storage
