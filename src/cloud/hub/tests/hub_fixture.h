// A whole cloud hub in one process: real stores, real message log, virtual time.
#pragma once

#include "base/encoding.h"
#include "cloud/c2d/feedback_queue.h"
#include "cloud/hub/cloud_hub.h"
#include "cloud/registry/tests/registry_fixture.h"
#include "security/sas_signer.h"
#include "storage/log/message_log.h"

namespace selvage::cloud::testing {

inline constexpr const char* kHubHost = "hub.example";

struct HubFixture : RegistryFixture {
    std::string owner_key = to_base64(std::string(32, 'o'));
    std::string service_key = to_base64(std::string(32, 's'));
    std::string reader_key = to_base64(std::string(32, 'r'));
    std::unique_ptr<storage::MessageLog> log;
    std::unique_ptr<authorities::Authorities> authorities;
    std::unique_ptr<auth::Authenticator> authenticator;
    std::unique_ptr<twins::Twins> twins;
    std::unique_ptr<methods::DirectMethods> methods;
    std::unique_ptr<c2d::Mailboxes> mailboxes;
    std::unique_ptr<c2d::FeedbackQueue> feedback;
    std::unique_ptr<telemetry::EventLog> events;
    std::unique_ptr<hub::CloudHub> hub;

    void SetUp() override {
        using namespace data_folder;
        RegistryFixture::SetUp();
        storage::LogSettings settings;
        settings.folder = folder + "/events";
        auto opened = storage::MessageLog::open(loop.get_executor(), time, settings);
        ASSERT_TRUE(opened) << opened.error().detail;
        log = *std::move(opened);
        const auto policy = [](const char* name, Permissions permissions, const std::string& key) {
            return Policy{.name = name, .permissions = permissions, .primary_key = key, .secondary_key = key};
        };
        authorities = std::make_unique<authorities::Authorities>(time, random, *state);
        authenticator = std::make_unique<auth::Authenticator>(
            *store, *authorities, time, kHubHost,
            std::vector<Policy>{policy("iothubowner", kRegistryWrite | kServiceConnect | kDeviceConnect, owner_key),
                                policy("service", kServiceConnect, service_key),
                                policy("registryRead", kRegistryRead, reader_key)});
        twins = std::make_unique<twins::Twins>(time, *store, *mail, sessions, *registry, domain::TwinLimits{});
        methods = std::make_unique<methods::DirectMethods>(loop.get_executor(), time, *store, sessions);
        mailboxes = std::make_unique<c2d::Mailboxes>(loop.get_executor(), time, random, *mail, *store,
                                                     c2d::MailboxSettings{.depth_max = 5});
        feedback = std::make_unique<c2d::FeedbackQueue>(time, random, *mail, c2d::FeedbackSettings{});
        events = std::make_unique<telemetry::EventLog>(
            *log, time, 4, storage::Retention{.age = std::chrono::hours(1), .bytes = 1 << 24});
        hub = std::make_unique<hub::CloudHub>(loop.get_executor(), kHubHost,
                                              hub::Parts{.time = time,
                                                         .store = *store,
                                                         .sessions = sessions,
                                                         .stored_sessions = *stored_sessions,
                                                         .authenticator = *authenticator,
                                                         .twins = *twins,
                                                         .methods = *methods,
                                                         .mailboxes = *mailboxes,
                                                         .events = *events});
    }
    void TearDown() override {
        async::testing::run(loop, hub->stop());
        async::testing::run(loop, mailboxes->stop());
        async::testing::run(loop, log->stop());
        hub.reset();
        RegistryFixture::TearDown();
    }

    std::string token(const std::string& key, const std::string& resource, const std::string& policy = {}) {
        return security::make_sas_token(key, resource, time.utc_now() + std::chrono::hours(1), policy).value();
    }
    Result<hub_api::Grant> grant(const domain::Identity& identity, const std::string& key) {
        std::string resource = std::string(kHubHost) + "/devices/" + identity.device;
        if (identity.is_module()) resource += "/modules/" + identity.module;
        return get(hub->authenticate(
            {.identity = identity, .sas_token = token(key, resource), .certificate_chain_pem = {}, .auth_chain = {}}));
    }
    struct Opened {
        std::shared_ptr<RecordingSink> sink = std::make_shared<RecordingSink>();
        std::unique_ptr<hub_api::DeviceSession> session;
    };
    Opened open(const domain::Identity& identity, const std::string& key) {
        Opened opened;
        auto proven = grant(identity, key);
        EXPECT_TRUE(proven) << proven.error().detail;
        auto session = get(hub->open(
            *proven, {.protocol = "test", .remote_address = "", .product_info = "", .model_id = ""}, opened.sink));
        EXPECT_TRUE(session) << session.error().detail;
        opened.session = *std::move(session);
        return opened;
    }
};

}  // namespace selvage::cloud::testing
