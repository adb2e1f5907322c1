#include "edge/hub/state/sealed_store.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "async/tests/run.h"
#include "edge/hub/state/data_key.h"
#include "storage/sqlite/sqlite_stores.h"

namespace selvage::edge::hub {
namespace {

class SealedStoreTest : public ::testing::Test {
public:
    SealedStoreTest() {
        std::string pattern = (std::filesystem::temp_directory_path() / "selvage-state-XXXXXX").string();
        folder_ = mkdtemp(pattern.data());
        store_ = *storage::open_sqlite_state_store({.path = folder_ + "/state.db"});
    }
    ~SealedStoreTest() override {
        async::testing::run(loop_, store_->stop());
        store_.reset();
        std::filesystem::remove_all(folder_);
    }

    boost::asio::io_context loop_;
    SeededRandom random_{1};
    std::string folder_;
    std::unique_ptr<storage::StateStore> store_;
};

// Stands for the security daemon of one identity.
class NamedSealer final : public Sealer {
public:
    explicit NamedSealer(std::string name) : name_(std::move(name)) {}
    async::Awaitable<Result<std::string>> encrypt(std::string plaintext, std::string vector) override {
        if (!reachable) co_return fail(Errc::unavailable, "no daemon");
        co_return name_ + vector + plaintext;
    }
    async::Awaitable<Result<std::string>> decrypt(std::string sealed, std::string vector) override {
        if (!reachable) co_return fail(Errc::unavailable, "no daemon");
        if (!sealed.starts_with(name_ + vector)) co_return fail(Errc::invalid_argument, "not ours");
        co_return sealed.substr(name_.size() + vector.size());
    }
    bool reachable = true;

private:
    std::string name_;
};

TEST_F(SealedStoreTest, ValuesComeBackAndAreNotReadableOnTheDisk) {
    async::testing::run(loop_, [](SealedStoreTest& t) -> async::Awaitable<> {
        SealedStore sealed(*t.store_, t.random_, std::string(32, 'k'));
        EXPECT_TRUE((co_await sealed.put("twins", "d1", "the secret")).has_value());
        const auto back = co_await sealed.get("twins", "d1");
        EXPECT_EQ(back.value().value(), "the secret");
        const auto raw = co_await t.store_->get("twins", "d1");
        EXPECT_EQ(raw.value().value().find("secret"), std::string::npos);
        const auto absent = co_await sealed.get("twins", "d2");
        EXPECT_FALSE(absent.value().has_value());
    }(*this));
}

TEST_F(SealedStoreTest, AValueMovedToAnotherKeyOrOpenedWithAnotherIsAbsent) {
    async::testing::run(loop_, [](SealedStoreTest& t) -> async::Awaitable<> {
        SealedStore sealed(*t.store_, t.random_, std::string(32, 'k'));
        EXPECT_TRUE((co_await sealed.put("twins", "d1", "x")).has_value());
        const auto raw = co_await t.store_->get("twins", "d1");
        EXPECT_TRUE((co_await t.store_->put("twins", "d2", raw.value().value())).has_value());
        const auto moved = co_await sealed.get("twins", "d2");
        EXPECT_FALSE(moved.value().has_value());
        const auto listed = co_await sealed.list("twins");
        EXPECT_EQ(listed.value().size(), 1u);
        SealedStore other(*t.store_, t.random_, std::string(32, 'o'));
        const auto foreign = co_await other.get("twins", "d1");
        EXPECT_FALSE(foreign.value().has_value());
    }(*this));
}

TEST_F(SealedStoreTest, TheDataKeyStaysUnlessTheIdentityChanged) {
    async::testing::run(loop_, [](SealedStoreTest& t) -> async::Awaitable<> {
        NamedSealer first("first"), second("second");
        const auto key = co_await load_data_key(*t.store_, t.random_, first);
        const auto again = co_await load_data_key(*t.store_, t.random_, first);
        EXPECT_EQ(key.value(), again.value());
        first.reachable = false;
        const auto unreachable = co_await load_data_key(*t.store_, t.random_, first);
        EXPECT_EQ(unreachable.error().code, Errc::unavailable);
        first.reachable = true;
        const auto still = co_await load_data_key(*t.store_, t.random_, first);
        EXPECT_EQ(still.value(), key.value());
        const auto other = co_await load_data_key(*t.store_, t.random_, second);
        EXPECT_NE(other.value(), key.value());
    }(*this));
}

}  // namespace
}  // namespace selvage::edge::hub
