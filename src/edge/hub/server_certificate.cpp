// Renewal begins when two thirds of the certificate's life are over. The wall clock may jump, so the loop looks at least once
// an hour instead of sleeping to the end.
#include "edge/hub/server_certificate.h"

#include <algorithm>

#include "base/log.h"

namespace selvage::edge::hub {
namespace {

using namespace std::chrono_literals;

// What is asked for; the issuer may give less. Wire: docs/wire/edge-hub.md#certificates.
constexpr auto kWantedLife = 24h * 90;
constexpr std::chrono::milliseconds kLookEvery = 1h;
constexpr std::chrono::milliseconds kRetryMin = 5s;
constexpr std::chrono::milliseconds kRetryMax = 5min;

}  // namespace

ServerCertificateKeeper::ServerCertificateKeeper(async::Executor loop, async::TimeSource& time, Fetch fetch)
    : time_(time), fetch_(std::move(fetch)), tasks_(loop) {}

ServerCertificateKeeper::~ServerCertificateKeeper() = default;

async::Awaitable<Result<std::shared_ptr<net::TlsServerContext>>> ServerCertificateKeeper::start() {
    const auto now = time_.utc_now();
    SELVAGE_CO_TRY(const auto certificate, co_await fetch_(now + kWantedLife));
    SELVAGE_CO_TRY(context_, net::TlsServerContext::make(certificate.chain_pem, certificate.key_pem, false));
    tasks_.spawn("server certificate", renew_loop(now, certificate.expires));
    co_return context_;
}

async::Awaitable<> ServerCertificateKeeper::stop() { co_await tasks_.stop(); }

async::Awaitable<> ServerCertificateKeeper::renew_loop(UtcTime fetched, UtcTime expires) {
    auto retry = kRetryMin;
    while (!tasks_.stopping()) {
        const auto renew_at = fetched + (expires - fetched) * 2 / 3;
        const auto now = time_.utc_now();
        if (now < renew_at) {
            if (!co_await time_.sleep_for(std::clamp(renew_at - now, 1000ms, kLookEvery))) co_return;
            continue;
        }
        auto certificate = co_await fetch_(now + kWantedLife);
        auto replaced = certificate ? context_->replace_certificate(certificate->chain_pem, certificate->key_pem)
                                    : Result<>(fail(certificate.error()));
        if (replaced) {
            log::info("edge.certificate", "server certificate renewed");
            fetched = now;
            expires = certificate->expires;
            retry = kRetryMin;
            // An issuer that hands out ended certificates must not be asked without pause.
            if (expires <= now + kRetryMax && !co_await time_.sleep_for(kRetryMax)) co_return;
        } else {
            log::warn("edge.certificate", "server certificate not renewed reason={}", replaced.error().detail);
            if (!co_await time_.sleep_for(retry)) co_return;
            retry = std::min(retry * 2, kRetryMax);
        }
    }
}

}  // namespace selvage::edge::hub
