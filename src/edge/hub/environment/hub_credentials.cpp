#include "edge/hub/environment/hub_credentials.h"

#include "base/encoding.h"
#include "base/file.h"
#include "security/certificates.h"
#include "security/sas_signer.h"
#include "security/seal.h"

namespace selvage::edge::hub {
namespace {

class DaemonCredentials final : public HubCredentials, public Sealer {
public:
    DaemonCredentials(net::Dialer& dialer, async::TimeSource& time, edge::ModuleEnvironment environment)
        : host_name_(environment.edge_device_host),
          workload_(dialer, time, std::move(environment)),
          tokens_(edge::token_source_from_workload(workload_)) {}

    device_client::TokenSource& tokens() override { return *tokens_; }
    Sealer& sealer() override { return *this; }
    async::Awaitable<Result<std::string>> trusted() override { return workload_.trust_bundle(); }
    async::Awaitable<Result<ServerCertificate>> server_certificate(UtcTime expires) override {
        return workload_.server_certificate(host_name_, expires);
    }
    async::Awaitable<Result<std::string>> encrypt(std::string plaintext, std::string vector) override {
        return workload_.encrypt(std::move(plaintext), std::move(vector));
    }
    async::Awaitable<Result<std::string>> decrypt(std::string sealed, std::string vector) override {
        return workload_.decrypt(std::move(sealed), std::move(vector));
    }

private:
    std::string host_name_;
    edge::WorkloadClient workload_;
    std::unique_ptr<device_client::TokenSource> tokens_;
};

// Seals with a key made from the module's own, so that another module's state stays closed here as well.
class DeveloperCredentials final : public HubCredentials, public Sealer {
public:
    explicit DeveloperCredentials(DeveloperMode developer)
        : developer_(std::move(developer)),
          tokens_(device_client::token_source_from_key(developer_.key)),
          sealing_key_(security::hmac_sha256(from_base64(developer_.key).value_or(developer_.key), "edge hub state")) {}

    device_client::TokenSource& tokens() override { return *tokens_; }
    Sealer& sealer() override { return *this; }
    async::Awaitable<Result<std::string>> trusted() override { co_return read_file(developer_.trust_bundle_file); }
    async::Awaitable<Result<ServerCertificate>> server_certificate(UtcTime /*expires*/) override {
        ServerCertificate certificate;
        SELVAGE_CO_TRY(certificate.chain_pem, read_file(developer_.certificate_file));
        SELVAGE_CO_TRY(certificate.key_pem, read_file(developer_.private_key_file));
        SELVAGE_CO_TRY(const auto facts, security::read_certificate(certificate.chain_pem));
        certificate.expires = facts.not_after;
        co_return certificate;
    }
    async::Awaitable<Result<std::string>> encrypt(std::string plaintext, std::string vector) override {
        co_return security::seal(sealing_key_, vector, "", plaintext);
    }
    async::Awaitable<Result<std::string>> decrypt(std::string sealed, std::string vector) override {
        co_return security::unseal(sealing_key_, vector, "", sealed);
    }

private:
    DeveloperMode developer_;
    std::unique_ptr<device_client::TokenSource> tokens_;
    std::string sealing_key_;
};

}  // namespace

std::unique_ptr<HubCredentials> credentials_from_daemon(net::Dialer& dialer, async::TimeSource& time,
                                                        edge::ModuleEnvironment environment) {
    return std::make_unique<DaemonCredentials>(dialer, time, std::move(environment));
}

std::unique_ptr<HubCredentials> credentials_for_developer(DeveloperMode developer) {
    return std::make_unique<DeveloperCredentials>(std::move(developer));
}

}  // namespace selvage::edge::hub
