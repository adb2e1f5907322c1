// The device's certificate authority: signs the modules' certificates, and renews itself before it expires.
//
// For quickstarts it makes itself (P-256, self-signed, may sign leaves only); in production it comes from files. Runs on: one
// loop. `keys`, `time`, `random` and `blocking` outlive it.
#pragma once

#include <memory>
#include <string>

#include "async/blocking_pool.h"
#include "async/time_source.h"
#include "base/random.h"
#include "edge/config/super_config.h"
#include "edge/identity/key_store.h"
#include "security/certificates.h"

namespace selvage::edge::identity {

using async::Awaitable;

class EdgeCa {
public:
    struct Settings {
        config::EdgeCaSettings edge_ca;
        std::string device_id;
        // Gets the certificate as a public copy, and the one before it while that is valid.
        std::string certificates_folder;
    };

    // Reads it, or makes it. Blocks: for start-up. Errors: io_error, malformed, invalid_argument (the files' pair does not
    // belong together, is expired, or is no CA), corrupt.
    static Result<std::unique_ptr<EdgeCa>> open(Settings settings, KeyStore& keys, async::TimeSource& time, Random& random,
                                                async::BlockingPool& blocking);

    // A new key and its certificate, followed by this CA's chain; never longer valid than the CA.
    Result<security::KeyPairPem> issue(const security::CertificateRequest& request) const;

    // What modules must trust: this CA's certificate, and the previous one's while certificates of it may be in use.
    std::string bundle() const { return pair_.certificate_pem + previous_pem_; }

    UtcTime expires() const { return facts_.not_after; }
    // Sleeps until it is time to renew, renews, again and again, until it is cancelled. Returns at once for a CA from files.
    Awaitable<> keep_fresh();
    // True when it has been renewed: it was due.
    Awaitable<Result<bool>> renew_if_due();

private:
    EdgeCa(Settings settings, KeyStore& keys, async::TimeSource& time, Random& random, async::BlockingPool& blocking);
    Result<> load_or_make();
    Result<> load_files();
    Result<security::KeyPairPem> make() const;
    Result<> keep(const security::KeyPairPem& pair, const std::string& previous_pem) const;
    Result<> use(security::KeyPairPem pair, std::string previous_pem);
    bool is_from_files() const { return !settings_.edge_ca.certificate_path.empty(); }
    bool is_due() const;

    Settings settings_;
    KeyStore& keys_;
    async::TimeSource& time_;
    Random& random_;
    async::BlockingPool& blocking_;
    security::KeyPairPem pair_;
    std::string previous_pem_;
    security::CertificateFacts facts_;
};

}  // namespace selvage::edge::identity
