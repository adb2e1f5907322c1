// Stored: 12 random bytes (the vector), then what security::seal made. A new vector for each write.
#include "edge/hub/state/sealed_store.h"

#include <algorithm>

#include "base/encoding.h"
#include "base/log.h"
#include "security/seal.h"

namespace selvage::edge::hub {
namespace {

constexpr std::size_t kVectorBytes = 12;

std::string binding(const std::string& bucket, const std::string& key) { return bucket + '\n' + key; }

}  // namespace

SealedStore::SealedStore(storage::StateStore& store, Random& random, std::string key)
    : store_(store), random_(random), key_(std::move(key)) {
    SELVAGE_ASSERT(key_.size() == 32);
}

SealedStore::~SealedStore() {
    volatile char* bytes = key_.data();
    for (std::size_t i = 0; i < key_.size(); ++i) bytes[i] = 0;
}

std::optional<std::string> SealedStore::open(const std::string& bucket, const std::string& key,
                                             std::string_view stored) const {
    if (stored.size() > kVectorBytes) {
        auto opened = security::unseal(key_, stored.substr(0, kVectorBytes), binding(bucket, key), stored.substr(kVectorBytes));
        if (opened) return *std::move(opened);
    }
    log::warn("edge.state", "stored value cannot be opened and is ignored bucket={} key={}", bucket, key);
    return std::nullopt;
}

async::Awaitable<Result<std::optional<std::string>>> SealedStore::get(std::string bucket, std::string key) {
    SELVAGE_CO_TRY(const auto stored, co_await store_.get(bucket, key));
    if (!stored) co_return std::optional<std::string>();
    co_return open(bucket, key, *stored);
}

async::Awaitable<Result<std::vector<std::pair<std::string, std::string>>>> SealedStore::list(std::string bucket) {
    SELVAGE_CO_TRY(auto stored, co_await store_.list(bucket));
    std::vector<std::pair<std::string, std::string>> opened;
    for (auto& [key, value] : stored)
        if (auto text = open(bucket, key, value)) opened.emplace_back(std::move(key), *std::move(text));
    co_return opened;
}

async::Awaitable<Result<>> SealedStore::put(std::string bucket, std::string key, std::string value) {
    std::string stored(kVectorBytes, '\0');
    random_.fill(std::as_writable_bytes(std::span(stored.data(), stored.size())));
    SELVAGE_CO_TRY(const auto sealed, security::seal(key_, stored, binding(bucket, key), value));
    stored += sealed;
    co_return co_await store_.put(std::move(bucket), std::move(key), std::move(stored));
}

async::Awaitable<Result<>> SealedStore::erase(std::string bucket, std::string key) {
    co_return co_await store_.erase(std::move(bucket), std::move(key));
}

}  // namespace selvage::edge::hub
