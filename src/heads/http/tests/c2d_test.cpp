#include "heads/http/tests/fake_hub.h"

namespace selvage::heads::http::testing {
namespace {

class HttpC2d : public HttpHeadTest {
protected:
    void post(std::string body) {
        domain::Message message;
        message.body = std::move(body);
        hub.mailbox.push_back(std::move(message));
    }
    net::HttpResponse receive() { return call("GET", "/devices/d1/messages/deviceBound?api-version=2020-09-30"); }
    // The lock token of the next message.
    std::string lock() {
        const auto response = receive();
        EXPECT_EQ(response.status, 200);
        const std::string etag(response.headers.get("ETag"));
        EXPECT_EQ(etag, "\"" + std::string(response.headers.get("iothub-messagelocktoken")) + "\"");
        return etag.size() > 2 ? etag.substr(1, etag.size() - 2) : etag;
    }
    net::HttpResponse settle(std::string method, std::string rest, Fields fields = {}) {
        return call(std::move(method), "/devices/d1/messages/devicebound/" + rest, std::move(fields));
    }
};

TEST_F(HttpC2d, AnEmptyMailboxIs204) {
    EXPECT_EQ(receive().status, 204);
    EXPECT_EQ(hub.closed_sessions, 1);
}

TEST_F(HttpC2d, AMessageComesWithItsPropertiesAndALock) {
    post("hello");
    auto& message = hub.mailbox.back();
    message.set(SystemProperty::message_id, "m1");
    message.set(SystemProperty::to, "/devices/d1/messages/devicebound");
    message.set(SystemProperty::content_type, "text/plain");
    message.set(SystemProperty::sequence_number, "4");
    message.properties = {{"a b", "c\r\nd"}, {"null", std::nullopt}};
    const auto response = receive();
    EXPECT_EQ(response.status, 200);
    EXPECT_EQ(response.body, "hello");
    EXPECT_EQ(response.headers.get("iothub-messageid"), "m1");
    EXPECT_EQ(response.headers.get("iothub-sequencenumber"), "4");
    EXPECT_EQ(response.headers.get("iothub-deliverycount"), "1");
    EXPECT_EQ(response.headers.get("ContentType"), "text/plain");
    EXPECT_EQ(response.headers.get("iothub-app-a%20b"), "c%0D%0Ad");
    EXPECT_TRUE(response.headers.has("iothub-app-null"));
    EXPECT_EQ(response.headers.get("ETag").size(), 38u) << "a GUID in quotes";
}

TEST_F(HttpC2d, CompleteRejectAndAbandonReachTheHub) {
    for (const char* body : {"1", "2", "3"})
        post(body);
    EXPECT_EQ(settle("DELETE", lock() + "?api-version=x").status, 204);
    EXPECT_EQ(settle("DELETE", lock() + "?api-version=x&reject").status, 204);
    const auto third = lock();
    EXPECT_EQ(settle("POST", third + "/abandon?api-version=x", {{"If-Match", "\"" + third + "\""}}).status, 204);
    EXPECT_EQ(hub.settled, (std::vector<std::string>{"1 completed", "2 rejected", "3 abandoned"}));
    EXPECT_EQ(hub.closed_sessions, hub.sessions) << "a settled message kept its session";
    EXPECT_EQ(receive().body, "3");
}

TEST_F(HttpC2d, EachReceiverLocksAMessageOfItsOwn) {
    post("1");
    post("2");
    const auto first = lock();
    const auto second = lock();
    EXPECT_NE(first, second);
    EXPECT_EQ(receive().status, 204);
    EXPECT_EQ(settle("DELETE", second + "?api-version=x").status, 204);
    EXPECT_EQ(settle("DELETE", first + "?api-version=x").status, 204);
    EXPECT_EQ(hub.settled, (std::vector<std::string>{"2 completed", "1 completed"}));
}

TEST_F(HttpC2d, TheHubsOwnLockTokenIsUsed) {
    post("1");
    hub.mailbox.back().set(SystemProperty::lock_token, "0000AAAA-0000-0000-0000-000000000001");
    EXPECT_EQ(lock(), "0000AAAA-0000-0000-0000-000000000001");
    EXPECT_EQ(settle("DELETE", "0000aaaa-0000-0000-0000-000000000001?api-version=x").status, 204);
}

TEST_F(HttpC2d, ALockThatIsLostIs412) {
    post("1");
    const auto token = lock();
    EXPECT_EQ(error_of(settle("DELETE", "no-such-lock?api-version=x")), "412 DeviceMessageLockLost");
    EXPECT_EQ(error_of(settle("DELETE", token + "?api-version=x", {{"If-Match", "other"}})), "412 DeviceMessageLockLost");
    EXPECT_EQ(error_of(call("DELETE", "/devices/d2/messages/devicebound/" + token + "?api-version=x")),
              "412 DeviceMessageLockLost");
    EXPECT_EQ(error_of(settle("POST", token + "?api-version=x")), "405 InvalidOperation");
    EXPECT_EQ(settle("DELETE", token + "?api-version=x").status, 204);
    EXPECT_EQ(error_of(settle("DELETE", token + "?api-version=x")), "412 DeviceMessageLockLost");
}

TEST_F(HttpC2d, AMessageGoesBackWhenItsTimeIsOver) {
    post("1");
    const auto token = lock();
    time.advance(std::chrono::seconds(59));
    EXPECT_EQ(receive().status, 204);
    time.advance(std::chrono::seconds(1));
    EXPECT_EQ(error_of(settle("DELETE", token + "?api-version=x")), "412 DeviceMessageLockLost");
    EXPECT_EQ(receive().body, "1");
    EXPECT_TRUE(hub.settled.empty());
}

TEST_F(HttpC2d, AsManyMessagesAreOutAsMayBe) {
    settings.locks_max = 1;
    post("1");
    post("2");
    lock();
    EXPECT_EQ(error_of(receive()), "429 ThrottlingException");
    time.advance(std::chrono::seconds(60));
    EXPECT_EQ(receive().status, 200);
}

}  // namespace
}  // namespace selvage::heads::http::testing
