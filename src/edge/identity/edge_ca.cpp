// Certificate and key lie together in one private file, replaced as a whole, so that a crash cannot part them. The public
// copy in certs/ is written after it and again at each start.

#include "edge/identity/edge_ca.h"

#include <fmt/core.h>

#include "base/file.h"
#include "base/log.h"

namespace selvage::edge::identity {
namespace {

constexpr std::string_view kKeyMark = "-----BEGIN PRIVATE KEY-----";
constexpr std::size_t kCommonNameMax = 64;
constexpr std::chrono::hours kLookAgain{1};

std::string current_file(const EdgeCa::Settings& settings) { return settings.certificates_folder + "/edge-ca.pem"; }
std::string previous_file(const EdgeCa::Settings& settings) { return settings.certificates_folder + "/edge-ca-previous.pem"; }

Result<security::KeyPairPem> split(const std::string& text) {
    const auto key = text.find(kKeyMark);
    if (key == std::string::npos || key == 0) return fail(Errc::corrupt, "the edge CA's file has no certificate or no private key");
    return security::KeyPairPem{text.substr(0, key), text.substr(key)};
}

bool is_valid(const std::string& pem, UtcTime now) {
    const auto facts = security::read_certificate(pem);
    return facts && facts->not_before <= now && now < facts->not_after;
}

}  // namespace

EdgeCa::EdgeCa(Settings settings, KeyStore& keys, async::TimeSource& time, Random& random, async::BlockingPool& blocking)
    : settings_(std::move(settings)), keys_(keys), time_(time), random_(random), blocking_(blocking) {}

Result<std::unique_ptr<EdgeCa>> EdgeCa::open(Settings settings, KeyStore& keys, async::TimeSource& time, Random& random,
                                             async::BlockingPool& blocking) {
    std::unique_ptr<EdgeCa> ca(new EdgeCa(std::move(settings), keys, time, random, blocking));
    auto opened = ca->is_from_files() ? ca->load_files() : ca->load_or_make();
    if (!opened) return fail(opened.error().in("edge CA"));
    return ca;
}

Result<> EdgeCa::use(security::KeyPairPem pair, std::string previous_pem) {
    SELVAGE_TRY(security::CertificateFacts facts, security::read_certificate(pair.certificate_pem));
    facts_ = std::move(facts);
    pair_ = std::move(pair);
    previous_pem_ = std::move(previous_pem);
    return {};
}

Result<> EdgeCa::load_files() {
    SELVAGE_TRY(std::string certificate, read_file(settings_.edge_ca.certificate_path, 1 << 20));
    SELVAGE_TRY(std::string key, read_file(settings_.edge_ca.key_path, 1 << 20));
    SELVAGE_CHECK(use({std::move(certificate), std::move(key)}, {}));
    if (!facts_.is_ca)
        return fail(Errc::invalid_argument, fmt::format("{} is no CA certificate", settings_.edge_ca.certificate_path));
    if (facts_.not_after <= time_.utc_now())
        return fail(Errc::invalid_argument, fmt::format("{} is expired", settings_.edge_ca.certificate_path));
    // Whether key and certificate belong together shows when the one signs under the other's name.
    security::CertificateRequest trial;
    trial.common_name = "trial";
    trial.lifetime = std::chrono::hours(1);
    SELVAGE_CHECK(issue(trial));
    return replace_file(current_file(settings_), pair_.certificate_pem, 0644);
}

Result<> EdgeCa::load_or_make() {
    SELVAGE_TRY(const auto text, keys_.find_private_text(kEdgeCaKey));
    if (text) {
        SELVAGE_TRY(security::KeyPairPem pair, split(*text));
        const auto previous = read_file(previous_file(settings_), 1 << 20);
        const bool keep_previous = previous && is_valid(*previous, time_.utc_now());
        SELVAGE_CHECK(use(std::move(pair), keep_previous ? *previous : std::string()));
        if (!is_due()) return replace_file(current_file(settings_), pair_.certificate_pem, 0644);
    }
    SELVAGE_TRY(security::KeyPairPem pair, make());
    std::string previous = is_valid(pair_.certificate_pem, time_.utc_now()) ? pair_.certificate_pem : std::string();
    SELVAGE_CHECK(keep(pair, previous));
    SELVAGE_CHECK(use(std::move(pair), std::move(previous)));
    log::info("identity.edge_ca", "made the edge CA days={}", settings_.edge_ca.expiry.count());
    return {};
}

Result<security::KeyPairPem> EdgeCa::make() const {
    security::CertificateRequest request;
    request.common_name = settings_.edge_ca.common_name.empty() ? "aziot-edge CA " + settings_.device_id : settings_.edge_ca.common_name;
    request.common_name.resize(std::min(request.common_name.size(), kCommonNameMax));
    request.lifetime = settings_.edge_ca.expiry;
    request.is_ca = true;
    request.path_length = 0;
    return security::make_certificate(request, nullptr, time_.utc_now(), random_);
}

// Blocks. The previous certificate first: once the new pair is in use the old one must be findable.
Result<> EdgeCa::keep(const security::KeyPairPem& pair, const std::string& previous_pem) const {
    SELVAGE_CHECK(make_folders(settings_.certificates_folder, 0755));
    if (!previous_pem.empty()) SELVAGE_CHECK(replace_file(previous_file(settings_), previous_pem, 0644));
    const std::string end_of_line = pair.certificate_pem.ends_with('\n') ? "" : "\n";
    SELVAGE_CHECK(keys_.keep_private_text(kEdgeCaKey, pair.certificate_pem + end_of_line + pair.key_pem));
    return replace_file(current_file(settings_), pair.certificate_pem, 0644);
}

Result<security::KeyPairPem> EdgeCa::issue(const security::CertificateRequest& request) const {
    return security::make_certificate(request, &pair_, time_.utc_now(), random_);
}

bool EdgeCa::is_due() const {
    const auto lifetime = facts_.not_after - facts_.not_before;
    return time_.utc_now() >= facts_.not_before + lifetime * settings_.edge_ca.renew_at_percent / 100;
}

Awaitable<Result<bool>> EdgeCa::renew_if_due() {
    if (is_from_files() || !is_due()) co_return false;
    auto pair = make();
    if (!pair) co_return fail(pair.error());
    std::string previous = pair_.certificate_pem;
    auto kept = co_await blocking_.run([this, pair = *pair, previous] { return keep(pair, previous); });
    if (!kept) co_return fail(kept.error());
    auto used = use(std::move(*pair), std::move(previous));
    if (!used) co_return fail(used.error());
    co_return true;
}

Awaitable<> EdgeCa::keep_fresh() {
    if (is_from_files()) co_return;
    for (;;) {
        // The wall clock may jump, so it is looked at again and again instead of slept on.
        auto slept = co_await time_.sleep_for(kLookAgain);
        if (!slept) co_return;
        auto renewed = co_await renew_if_due();
        if (!renewed) log::error("identity.edge_ca", "the edge CA cannot be renewed, try again in an hour reason={}", renewed.error().detail);
        else if (*renewed) log::info("identity.edge_ca", "renewed the edge CA days={}", settings_.edge_ca.expiry.count());
    }
}

}  // namespace selvage::edge::identity
