// One identity's DeviceSession at the cloud hub.
//
// Holds its live session; the hub and its parts outlive it. Runs on: the hub's loop.
#pragma once

#include <memory>

#include "cloud/hub/cloud_hub.h"

namespace selvage::cloud::hub {

class CloudSession final : public hub_api::DeviceSession {
public:
    CloudSession(CloudHub& hub, std::shared_ptr<sessions::LiveSession> live, telemetry::Sender sender);
    ~CloudSession() override;

    void send_telemetry(domain::Message message, hub_api::SendDone done) override;
    Awaitable<Result<std::string>> get_twin() override;
    Awaitable<Result<std::int64_t>> patch_reported(std::string patch, std::optional<std::int64_t> if_version) override;
    Awaitable<Result<>> subscribe(hub_api::Feed feed, bool on) override;
    void set_window(hub_api::Feed feed, std::uint32_t deliveries_max) override;
    bool settle(hub_api::LockToken token, hub_api::Outcome outcome) override;
    void answer_method(const std::string& request_id, domain::MethodResponse response) override;

private:
    storage::MailboxAddress mailbox() const;
    const std::shared_ptr<c2d::Receiver>& receiver();

    CloudHub& hub_;
    std::shared_ptr<sessions::LiveSession> live_;
    telemetry::Sender sender_;
    std::shared_ptr<c2d::Receiver> receiver_;  // of C2D messages; null until they are asked for
};

}  // namespace selvage::cloud::hub
