#include <fmt/core.h>
#include <unistd.h>

#include <map>

#include "base/encoding.h"
#include "base/file.h"
#include "edge/identity/key_store.h"
#include "security/sas_signer.h"
#include "security/seal.h"

namespace selvage::edge::identity {
namespace {

constexpr std::size_t kMasterKeyBytes = 32;
constexpr std::size_t kDeviceKeyBytesMax = 4096;

class FileKeyStore final : public KeyStore {
public:
    explicit FileKeyStore(std::string folder) : folder_(std::move(folder)) {}

    ~FileKeyStore() override {
        for (auto& [name, key] : keys_) explicit_bzero(key.data(), key.size());
    }

    Result<> load_device_key(const std::string& path) {
        auto bytes = read_file(path, kDeviceKeyBytesMax);
        if (!bytes) return fail(bytes.error().in("device key"));
        if (bytes->empty()) return fail(Errc::invalid_argument, fmt::format("device key: file {} is empty", path));
        keys_.insert_or_assign(std::string(kDeviceKey), std::move(*bytes));
        return {};
    }

    Result<> load_or_make(std::string_view name, Random& random) {
        const std::string path = path_of(name);
        auto bytes = read_file(path, kDeviceKeyBytesMax);
        if (!bytes && bytes.error().code != Errc::not_found) return fail(bytes.error());
        if (!bytes) {
            bytes = std::string(kMasterKeyBytes, '\0');
            random.fill(std::as_writable_bytes(std::span(bytes->data(), bytes->size())));
            SELVAGE_CHECK(replace_file(path, *bytes, 0600));
        }
        if (bytes->size() != kMasterKeyBytes)
            return fail(Errc::corrupt, fmt::format("master key {} has {} bytes instead of {}; restore it from a backup, or remove "
                                                   "it and what was made with it is lost", path, bytes->size(), kMasterKeyBytes));
        keys_.insert_or_assign(std::string(name), std::move(*bytes));
        return {};
    }

    Result<std::string> hmac(std::string_view key, std::string_view data) const override {
        SELVAGE_TRY(const std::string_view bytes, find(key));
        return security::hmac_sha256(bytes, data);
    }

    Result<std::string> seal(std::string_view key, std::string_view iv, std::string_view aad, std::string_view plaintext) const override {
        SELVAGE_TRY(const std::string_view bytes, find(key));
        return security::seal(bytes, iv, aad, plaintext);
    }

    Result<std::string> unseal(std::string_view key, std::string_view iv, std::string_view aad, std::string_view sealed) const override {
        SELVAGE_TRY(const std::string_view bytes, find(key));
        return security::unseal(bytes, iv, aad, sealed);
    }

    Result<std::optional<std::string>> find_private_text(std::string_view name) const override {
        auto text = read_file(path_of(name) + ".pem", 1 << 20);
        if (text) return std::optional(std::move(*text));
        if (text.error().code == Errc::not_found) return std::optional<std::string>();
        return fail(text.error());
    }

    Result<> keep_private_text(std::string_view name, std::string_view text) override {
        return replace_file(path_of(name) + ".pem", text, 0600);
    }

private:
    std::string path_of(std::string_view name) const { return fmt::format("{}/{}", folder_, name); }

    Result<std::string_view> find(std::string_view name) const {
        const auto at = keys_.find(name);
        if (at == keys_.end()) return fail(Errc::not_found, fmt::format("there is no key \"{}\"", name));
        return at->second;
    }

    std::string folder_;
    std::map<std::string, std::string, std::less<>> keys_;
};

}  // namespace

Result<std::unique_ptr<KeyStore>> make_file_key_store(std::string folder, const std::string& device_key_path, Random& random) {
    SELVAGE_CHECK(make_folders(folder, 0700));
    auto store = std::make_unique<FileKeyStore>(std::move(folder));
    SELVAGE_CHECK(store->load_device_key(device_key_path));
    SELVAGE_CHECK(store->load_or_make(kModuleKeysMaster, random));
    SELVAGE_CHECK(store->load_or_make(kEncryptionMaster, random));
    return store;
}

}  // namespace selvage::edge::identity
