#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <cctype>

#include "base/encoding.h"
#include "base/file.h"
#include "cloud/data_folder/data_folder.h"
#include "cloud/data_folder/settings_text.h"
#include "security/certificates.h"

namespace selvage::cloud::data_folder {

namespace {

using std::chrono::hours;

constexpr hours kCaLifetime{24 * 365 * 10};
constexpr hours kServerLifetime{24 * 365};
constexpr hours kRenewBefore{24 * 30};
constexpr std::size_t kCommonNameCharsMax = 64;  // X.520 ub-common-name

bool is_ip_address(const std::string& text) {
    std::array<unsigned char, 16> address{};
    return inet_pton(AF_INET, text.c_str(), address.data()) == 1 ||
           inet_pton(AF_INET6, text.c_str(), address.data()) == 1;
}

Result<> check_host_name(const std::string& name) {
    if (is_ip_address(name)) return {};
    const auto allowed = [](char c) {
        return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '.';
    };
    const bool sound = !name.empty() && name.size() <= 253 && std::ranges::all_of(name, allowed) &&
                       name.front() != '-' && name.front() != '.' && name.back() != '-' &&
                       name.find("..") == std::string::npos;
    if (!sound) {
        return fail(Errc::invalid_argument,
                    "host name '" + name + "': give a DNS name of letters, digits, '-' and '.', or an IP address");
    }
    return {};
}

std::string common_name(std::string name) {
    return name.size() <= kCommonNameCharsMax ? name : "selvage-hub";
}

Result<security::KeyPairPem> issue_server_certificate(const security::KeyPairPem& ca, const std::string& host_name,
                                                      const Clock& clock, Random& random) {
    security::CertificateRequest request;
    request.common_name = common_name(host_name);
    (is_ip_address(host_name) ? request.ip_addresses : request.dns_names).push_back(host_name);
    request.lifetime = kServerLifetime;
    request.server_auth = true;
    return security::make_certificate(request, &ca, clock.utc_now(), random);
}

std::string fresh_key(Random& random) {
    std::array<std::byte, 32> key{};
    random.fill(key);
    return to_base64(as_text(key));
}

std::vector<Policy> fresh_policies(Random& random) {
    std::vector<Policy> policies;
    for (const auto& built_in : kBuiltInPolicies) {
        policies.push_back({.name = std::string(built_in.name),
                            .permissions = built_in.permissions,
                            .primary_key = fresh_key(random),
                            .secondary_key = fresh_key(random)});
    }
    return policies;
}

Result<> make_folders_of(const DataFolder& folder) {
    for (const auto& path : {folder.root, folder.root + "/certs", folder.root + "/secrets", folder.events()}) {
        SELVAGE_CHECK(make_folders(path, 0700));
    }
    return {};
}

}  // namespace

Result<> make_hub(const DataFolder& folder, const std::string& host_name, const Clock& clock, Random& random) {
    SELVAGE_CHECK(check_host_name(host_name));
    if (file_exists(folder.settings())) {
        return fail(Errc::already_exists, folder.root + " holds a hub already; run it with `selvage-hub serve --data " +
                                              folder.root + "`, or give another folder");
    }
    SELVAGE_CHECK(make_folders_of(folder));

    security::CertificateRequest ca_request;
    ca_request.common_name = common_name("Selvage hub " + host_name + " CA");
    ca_request.lifetime = kCaLifetime;
    ca_request.is_ca = true;
    SELVAGE_TRY(const auto ca, security::make_certificate(ca_request, nullptr, clock.utc_now(), random));
    SELVAGE_TRY(const auto server, issue_server_certificate(ca, host_name, clock, random));

    SELVAGE_CHECK(replace_file(folder.ca_key(), ca.key_pem, 0600));
    SELVAGE_CHECK(replace_file(folder.ca_certificate(), ca.certificate_pem, 0644));
    SELVAGE_CHECK(replace_file(folder.server_key(), server.key_pem, 0600));
    SELVAGE_CHECK(replace_file(folder.server_certificate(), server.certificate_pem, 0644));
    SELVAGE_CHECK(replace_file(folder.policies(), policies_text(fresh_policies(random)), 0600));
    HubSettings settings;
    settings.host_name = host_name;
    return replace_file(folder.settings(), settings_text(settings), 0644);
}

Result<std::string> files_key(const DataFolder& folder, Random& random) {
    auto key = read_file(folder.files_key());
    if (key || key.error().code != Errc::not_found) return key;
    std::string fresh = fresh_key(random);
    SELVAGE_CHECK(replace_file(folder.files_key(), fresh, 0600));
    return fresh;
}

Result<ServerCertificate> server_certificate(const DataFolder& folder, const std::string& host_name, const Clock& clock,
                                             Random& random) {
    SELVAGE_TRY(auto chain, read_file(folder.server_certificate()));
    SELVAGE_TRY(auto key, read_file(folder.server_key()));
    SELVAGE_TRY(const auto facts, security::read_certificate(chain));
    if (facts.not_after - clock.utc_now() > kRenewBefore) {
        return ServerCertificate{.chain_pem = std::move(chain), .key_pem = std::move(key)};
    }
    SELVAGE_TRY(auto ca_certificate, read_file(folder.ca_certificate()));
    SELVAGE_TRY(auto ca_key, read_file(folder.ca_key()));
    const security::KeyPairPem ca{.certificate_pem = std::move(ca_certificate), .key_pem = std::move(ca_key)};
    SELVAGE_TRY(auto fresh, issue_server_certificate(ca, host_name, clock, random));
    // The key first: after a crash between the two the old certificate is still about to expire, so the next start
    // makes both again.
    SELVAGE_CHECK(replace_file(folder.server_key(), fresh.key_pem, 0600));
    SELVAGE_CHECK(replace_file(folder.server_certificate(), fresh.certificate_pem, 0644));
    return ServerCertificate{
        .chain_pem = std::move(fresh.certificate_pem), .key_pem = std::move(fresh.key_pem), .renewed = true};
}

}  // namespace selvage::cloud::data_folder
