#include "cloud/files/notifications.h"

#include "cloud/registry/tests/registry_fixture.h"

namespace selvage::cloud::files {
namespace {

struct NotificationsTest : cloud::testing::RegistryFixture {
    NotificationSettings settings;
    std::unique_ptr<FileNotifications> queue;
    void SetUp() override {
        RegistryFixture::SetUp();
        open();
    }
    void open() {
        queue = std::make_unique<FileNotifications>(time, random, *state, settings);
        ASSERT_TRUE(get(queue->load()));
    }
    void add(const std::string& name) { ASSERT_TRUE(get(queue->add(JsonObject{{"blobName", name}}))); }
    // Its name; the lock goes to `lock`.
    std::string receive() {
        auto received = get(queue->receive());
        EXPECT_TRUE(received);
        if (!received || !*received) return "none";
        lock = (**received).lock_token;
        return std::string(find_text(parse_json_object((**received).body).value(), "blobName"));
    }
    template <class T>
    static std::string code(const Result<T>& result) {
        return result ? "done" : std::string(name(result.error().code));
    }
    std::string lock;
};

TEST_F(NotificationsTest, EachGoesToOneReaderUntilItIsCompleted) {
    add("1");
    add("2");
    EXPECT_EQ(receive(), "1");
    const auto first = lock;
    EXPECT_EQ(receive(), "2");
    EXPECT_EQ(receive(), "none");
    EXPECT_EQ(code(get(queue->abandon(first))), "done");
    EXPECT_EQ(code(get(queue->complete(first))), "precondition_failed");
    EXPECT_EQ(code(get(queue->complete(""))), "precondition_failed");
    EXPECT_EQ(receive(), "1");
    EXPECT_EQ(code(get(queue->complete(lock))), "done");
    time.advance(std::chrono::seconds(61));
    EXPECT_EQ(receive(), "2") << "its lock has lapsed";
}

TEST_F(NotificationsTest, WhatIsNotCompletedIsThereAfterARestart) {
    add("1");
    add("2");
    EXPECT_EQ(receive(), "1");
    EXPECT_TRUE(get(queue->complete(lock)));
    EXPECT_EQ(receive(), "2");
    open();
    add("3");
    EXPECT_EQ(receive(), "2");
    EXPECT_EQ(receive(), "3");
}

TEST_F(NotificationsTest, NoneWaitsForEver) {
    add("1");
    for (std::uint32_t i = 0; i < settings.deliveries_max; ++i) {
        EXPECT_EQ(receive(), "1");
        EXPECT_TRUE(get(queue->abandon(lock)));
    }
    EXPECT_EQ(receive(), "none");
    add("2");
    time.advance(settings.time_to_live);
    EXPECT_EQ(receive(), "none");
    settings.queued_max = 2;
    open();
    for (const char* name : {"3", "4", "5"})
        add(name);
    EXPECT_EQ(receive(), "4");
    settings.enabled = false;
    open();
    add("6");
    EXPECT_EQ(receive(), "4");
    EXPECT_EQ(receive(), "5");
    EXPECT_EQ(receive(), "none");
}

}  // namespace
}  // namespace selvage::cloud::files
