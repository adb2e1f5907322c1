#include "edge/hub/state/data_key.h"

#include "base/encoding.h"
#include "base/log.h"

namespace selvage::edge::hub {
namespace {

constexpr std::size_t kKeyBytes = 32;
constexpr const char* kBucket = "data_key";

std::string random_bytes(Random& random, std::size_t count) {
    std::string bytes(count, '\0');
    random.fill(std::as_writable_bytes(std::span(bytes.data(), bytes.size())));
    return bytes;
}

bool may_pass(Errc code) {
    return code == Errc::unavailable || code == Errc::timeout || code == Errc::connection_closed || code == Errc::throttled ||
           code == Errc::cancelled || code == Errc::internal || code == Errc::io_error;
}

async::Awaitable<Result<std::string>> make_key(storage::StateStore& store, Random& random, Sealer& sealer) {
    auto key = random_bytes(random, kKeyBytes);
    const auto vector = to_hex(random_bytes(random, 16));
    SELVAGE_CO_TRY(auto sealed, co_await sealer.encrypt(key, vector));
    // The vector first: a key without its vector is useless, a vector without a key is replaced.
    SELVAGE_CO_CHECK(co_await store.put(kBucket, "vector", vector));
    SELVAGE_CO_CHECK(co_await store.put(kBucket, "sealed", std::move(sealed)));
    co_return key;
}

}  // namespace

async::Awaitable<Result<std::string>> load_data_key(storage::StateStore& store, Random& random, Sealer& sealer) {
    SELVAGE_CO_TRY(const auto sealed, co_await store.get(kBucket, "sealed"));
    SELVAGE_CO_TRY(const auto vector, co_await store.get(kBucket, "vector"));
    if (!sealed || !vector) co_return co_await make_key(store, random, sealer);
    auto key = co_await sealer.decrypt(*sealed, *vector);
    if (key && key->size() == kKeyBytes) co_return *std::move(key);
    if (!key && may_pass(key.error().code)) co_return fail(key.error().in("decrypting the key of the stored state"));
    log::warn("edge.state", "the stored state was encrypted for another identity and is given up reason={}",
              key ? "wrong length" : key.error().detail);
    co_return co_await make_key(store, random, sealer);
}

}  // namespace selvage::edge::hub
