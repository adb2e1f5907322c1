#include "simulation/limited_store.h"

namespace selvage::simulation {
namespace {

using async::Awaitable;

class LimitedStore final : public storage::StateStore {
public:
    LimitedStore(std::shared_ptr<Disk> disk, std::unique_ptr<storage::StateStore> store)
        : disk_(std::move(disk)), store_(std::move(store)) {}

    Awaitable<Result<std::optional<std::string>>> get(std::string bucket, std::string key) override {
        return store_->get(std::move(bucket), std::move(key));
    }
    Awaitable<Result<std::vector<std::pair<std::string, std::string>>>> list(std::string bucket) override {
        return store_->list(std::move(bucket));
    }
    Awaitable<Result<>> put(std::string bucket, std::string key, std::string value) override {
        if (disk_->full()) co_return fail(Errc::quota_exceeded, "the simulated disk is full");
        co_return co_await store_->put(std::move(bucket), std::move(key), std::move(value));
    }
    Awaitable<Result<>> erase(std::string bucket, std::string key) override {
        if (disk_->full()) co_return fail(Errc::quota_exceeded, "the simulated disk is full");
        co_return co_await store_->erase(std::move(bucket), std::move(key));
    }
    Awaitable<> stop() override { return store_->stop(); }

private:
    std::shared_ptr<Disk> disk_;
    std::unique_ptr<storage::StateStore> store_;
};

}  // namespace

std::unique_ptr<storage::StateStore> limited_by(std::shared_ptr<Disk> disk, std::unique_ptr<storage::StateStore> store) {
    return std::make_unique<LimitedStore>(std::move(disk), std::move(store));
}

}  // namespace selvage::simulation
