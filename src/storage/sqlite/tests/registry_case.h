// A registry in a folder of its own and a loop to call it on.
#pragma once

#include "async/tests/run.h"
#include "storage/sqlite/sqlite_stores.h"
#include "storage/sqlite/tests/store_folder.h"

namespace selvage::storage::testing {

constexpr UtcTime kNow{std::chrono::milliseconds(1'700'000'000'123)};

inline DeviceRecord device_named(const std::string& id) {
    DeviceRecord device;
    device.device_id = id;
    device.generation_id = "638000000000000001";
    return device;
}

inline ModuleRecord module_named(const std::string& device, const std::string& id) {
    ModuleRecord module;
    module.device_id = device;
    module.module_id = id;
    module.generation_id = "638000000000000002";
    return module;
}

class RegistryCase : public ::testing::Test {
protected:
    RegistryCase() { reopen(); }
    ~RegistryCase() override { close(); }

    void close() {
        if (store_) async::testing::run(loop_, store_->stop());
        store_.reset();
    }
    void reopen() {
        close();
        auto store = open_sqlite_registry_store({.path = path()});
        ASSERT_TRUE(store) << store.error().detail;
        store_ = std::move(*store);
    }
    std::string path() const { return folder_.file("registry.db"); }

    // The result of one call.
    template <class T>
    T call(async::Awaitable<T> awaited) {
        std::optional<T> result;
        async::testing::run(loop_, [](async::Awaitable<T> inner, std::optional<T>& into) -> async::Awaitable<> {
            into.emplace(co_await std::move(inner));
        }(std::move(awaited), result));
        return std::move(*result);
    }

    // Makes them one after the other.
    void create(const std::vector<DeviceRecord>& devices) {
        for (const DeviceRecord& device : devices) ASSERT_TRUE(call(store_->create_device(device, {}, kNow)));
    }

    StoreFolder folder_;
    boost::asio::io_context loop_;
    std::unique_ptr<RegistryStore> store_;
};

template <class T>
Errc code_of(const Result<T>& result) {
    EXPECT_FALSE(result);
    return result ? Errc::internal : result.error().code;
}

}  // namespace selvage::storage::testing
