// Names and topics of devices: docs/wire/mqtt.md.
#include "mqtt/accounts.h"

#include <fmt/core.h>

#include "base/encoding.h"
#include "base/file.h"
#include "codec/connection_string/connection_string.h"
#include "security/sas_signer.h"

namespace selvage::bench {
namespace {

constexpr std::chrono::hours kTokenLife{4};

Result<Account> account_of(std::string_view line, UtcTime now) {
    SELVAGE_TRY(const auto device, codec::parse_connection_string(line));
    const std::string path = fmt::format("devices/{}", device.device_id);
    SELVAGE_TRY(auto token, security::make_sas_token(device.key, device.host_name + "/" + path, now + kTokenLife));
    return Account{.client_id = device.device_id,
                   .username = fmt::format("{}/{}/?api-version=2021-04-12", device.host_name, device.device_id),
                   .password = std::move(token),
                   .telemetry_topic = path + "/messages/events/",
                   .own_filter = path + "/messages/devicebound/#"};
}

// A broker is given a user name and a password too, so that both sides read packets of about the same size.
Account plain_account(std::size_t number) {
    const auto name = fmt::format("device-{:05}", number);
    return {.client_id = name,
            .username = fmt::format("localhost/{}/?api-version=2021-04-12", name),
            .password = std::string(150, 'p'),
            .telemetry_topic = fmt::format("devices/{}/messages/events/", name),
            .own_filter = fmt::format("devices/{}/messages/devicebound/#", name)};
}

}  // namespace

Result<std::vector<Account>> make_accounts(const Peer& peer, UtcTime now) {
    std::vector<Account> accounts;
    accounts.reserve(peer.count);
    if (peer.devices_file.empty()) {
        while (accounts.size() < peer.count) accounts.push_back(plain_account(accounts.size()));
        return accounts;
    }
    SELVAGE_TRY(const auto text, read_file(peer.devices_file));
    std::string_view rest = text;
    while (!rest.empty() && accounts.size() < peer.count) {
        const auto end = std::min(rest.find('\n'), rest.size());
        const auto line = trim(rest.substr(0, end));
        rest.remove_prefix(std::min(end + 1, rest.size()));
        if (line.empty()) continue;
        auto account = account_of(line, now);
        if (!account) return fail(account.error().in(fmt::format("{}: device {}", peer.devices_file, accounts.size() + 1)));
        accounts.push_back(*std::move(account));
    }
    if (accounts.size() < peer.count)
        return fail(Errc::invalid_argument, fmt::format("{} has {} devices, {} are wanted", peer.devices_file,
                                                        accounts.size(), peer.count));
    return accounts;
}

Result<net::Target> make_target(const Peer& peer) {
    SELVAGE_TRY(const auto trusted, read_file(peer.trusted_file));
    net::Target target{.host = peer.host, .port = peer.port};
    SELVAGE_TRY(target.tls, net::TlsClientContext::make(trusted, false));
    target.via = peer.address;
    return target;
}

}  // namespace selvage::bench
